//! Reading dead letters. They are on the disk only.

use domain::broker::{DeadLetter, DeadLetterFilter};
use redb::ReadableDatabase;

use super::Store;
use super::tables::LETTERS;

/// How many letters one page has at most.
pub(crate) const PAGE_MAX: usize = 100;
/// How many bytes of messages one page has at most, but for the last letter.
const PAGE_BYTES: usize = 1 << 20;

impl Store {
    /// The first letters behind a number that the filter takes, as many as one page holds.
    pub(crate) fn letters(
        &self,
        filter: &DeadLetterFilter,
        after: u64,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, redb::Error> {
        let letters = self.database().begin_read()?.open_table(LETTERS)?;
        let (mut page, mut bytes) = (Vec::new(), 0);
        let Some(first) = after.checked_add(1) else { return Ok(page) };
        for row in letters.range(first..)? {
            if page.len() >= limit.min(PAGE_MAX) || bytes >= PAGE_BYTES {
                break;
            }
            let (number, row) = row?;
            let letter = read(number.value(), row.value().1)?;
            if filter.takes(&letter.message.topic, &letter.group) {
                bytes += letter.message.payload.len();
                page.push(letter);
            }
        }
        Ok(page)
    }

    /// A letter and the group that it belongs to.
    pub(crate) fn letter(&self, number: u64) -> Result<Option<(u32, DeadLetter)>, redb::Error> {
        let letters = self.database().begin_read()?.open_table(LETTERS)?;
        let Some(row) = letters.get(number)? else { return Ok(None) };
        let (group, letter) = row.value();
        Ok(Some((group, read(number, letter)?)))
    }
}

fn read(number: u64, letter: &[u8]) -> Result<DeadLetter, redb::Error> {
    postcard::from_bytes(letter).map_err(|error| redb::Error::Corrupted(format!("letter {number}: {error}")))
}
