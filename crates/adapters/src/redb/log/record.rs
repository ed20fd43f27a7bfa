//! The form of a record, and finding the whole ones in whatever a file holds. See the module above.

use xxhash_rust::xxh3::xxh3_64;

/// Where records begin, and what a disk writes at once or not at all.
const SECTOR_BYTES: usize = 512;

/// What stands before a record's content.
pub(in crate::redb) const HEADER_BYTES: usize = 36;

/// The last byte is the version of the format. The first is no text.
const MAGIC: [u8; 8] = *b"\xfffflog\r\x01";

/// A whole record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found<'a> {
    pub(super) store: u64,
    pub(super) number: u64,
    pub(super) content: &'a [u8],
}

/// Fills in the header, for which the first bytes are free, and the rest of the last sector.
pub(super) fn seal(record: &mut Vec<u8>, store: u64, number: u64) {
    let length = u32::try_from(record.len() - HEADER_BYTES).expect("a batch is not as large as that");
    record[8..16].copy_from_slice(&MAGIC);
    record[16..24].copy_from_slice(&store.to_le_bytes());
    record[24..32].copy_from_slice(&number.to_le_bytes());
    record[32..HEADER_BYTES].copy_from_slice(&length.to_le_bytes());
    let checksum = xxh3_64(&record[8..]);
    record[..8].copy_from_slice(&checksum.to_le_bytes());
    record.resize(record.len().next_multiple_of(SECTOR_BYTES), 0);
}

/// All whole records, by where they are.
pub(super) fn find_all(bytes: &[u8]) -> Vec<Found<'_>> {
    let (mut found, mut at) = (Vec::new(), 0);
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let record = read(rest);
        let length = record.map_or(1, |record| HEADER_BYTES + record.content.len());
        at += length.next_multiple_of(SECTOR_BYTES);
        found.extend(record);
    }
    found
}

fn read(bytes: &[u8]) -> Option<Found<'_>> {
    let (checksum, rest) = bytes.split_first_chunk()?;
    let (magic, fields) = rest.split_first_chunk()?;
    let (store, fields) = fields.split_first_chunk()?;
    let (number, fields) = fields.split_first_chunk()?;
    let (length, content) = fields.split_first_chunk()?;
    let content = content.get(..u32::from_le_bytes(*length) as usize)?;
    let covered = &rest[..HEADER_BYTES - 8 + content.len()];
    let is_whole = *magic == MAGIC && u64::from_le_bytes(*checksum) == xxh3_64(covered);
    let (store, number) = (u64::from_le_bytes(*store), u64::from_le_bytes(*number));
    is_whole.then_some(Found { store, number, content })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn record(number: u64, content: &[u8]) -> Vec<u8> {
        let mut record = [&[0; HEADER_BYTES][..], content].concat();
        seal(&mut record, 7, number);
        record
    }

    fn numbers(bytes: &[u8]) -> Vec<u64> {
        find_all(bytes).iter().map(|record| record.number).collect()
    }

    #[test]
    fn records_are_found_with_what_is_in_them() {
        let contents: Vec<Vec<u8>> = [0, 1, 475, 476, 477, 5_000].map(|length| vec![3; length]).into();
        let bytes: Vec<u8> =
            contents.iter().zip(1..).flat_map(|(content, number)| record(number, content)).collect();
        assert_eq!(bytes.len() % SECTOR_BYTES, 0);
        let found = find_all(&bytes);
        assert_eq!(found.iter().map(|record| record.content.to_vec()).collect::<Vec<_>>(), contents);
        assert!(found.iter().all(|record| record.store == 7));
        assert_eq!(numbers(&bytes), [1, 2, 3, 4, 5, 6]);
    }

    #[test]
    fn one_that_is_not_whole_is_none_and_those_behind_it_are_found() {
        let (first, second) = (record(1, &[5; 2_000]), record(2, &[6; 10]));
        for at in 0..HEADER_BYTES + 2_000 {
            let mut bytes = [&first[..], &second].concat();
            bytes[at] ^= 1;
            assert_eq!(numbers(&bytes), [2], "byte {at}");
        }
        for length in 0..first.len() - SECTOR_BYTES {
            assert_eq!(numbers(&first[..length]), [0; 0], "cut at {length}");
        }
    }

    #[test]
    fn what_an_earlier_lap_left_is_found_behind_the_last() {
        let mut bytes: Vec<u8> = (1..=9).flat_map(|number| record(number, &[1; 600])).collect();
        let newer = record(10, &[2; 1_300]);
        bytes[..newer.len()].copy_from_slice(&newer);
        assert_eq!(numbers(&bytes), [10, 3, 4, 5, 6, 7, 8, 9]);
    }

    proptest! {
        #[test]
        fn anything_at_all_can_be_searched(mut bytes: Vec<u8>, at in 0..2_000_usize) {
            let whole = record(1, &[9; 1_000]);
            bytes.extend(&whole[at.min(whole.len())..]);
            find_all(&bytes);
        }
    }
}
