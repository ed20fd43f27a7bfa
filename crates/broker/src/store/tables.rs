//! What is in the file.

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

/// The schema that this program writes and understands.
pub(super) const SCHEMA: u64 = 1;

/// Single numbers: [`SCHEMA_KEY`], [`EPOCH_KEY`], [`LAST_LETTER_KEY`]. Its name tells this file from a service's store.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("broker");
/// Which schema the file has.
pub(super) const SCHEMA_KEY: &str = "schema";
/// How often the file was opened: no number of a delivery is given twice.
pub(super) const EPOCH_KEY: &str = "epoch";
/// The highest number that a dead letter was given.
pub(super) const LAST_LETTER_KEY: &str = "last_letter";

/// The name of each topic.
pub(super) const TOPICS: TableDefinition<'_, u32, &str> = TableDefinition::new("topics");
/// Topic and name of each group.
pub(super) const GROUPS: TableDefinition<'_, u32, (u32, &str)> = TableDefinition::new("groups");

/// A message: its topic, the one group that it is for, key, body.
pub(super) type StoredMessage = (u32, Option<u32>, &'static str, &'static [u8]);
/// Messages that some group has not dealt with, by the order of their publishing.
pub(super) const MESSAGES: TableDefinition<'_, u64, StoredMessage> = TableDefinition::new("messages");
/// Those that a group has dealt with while others have not: message and group.
pub(super) const DONE: TableDefinition<'_, (u64, u32), ()> = TableDefinition::new("done");
/// What failed with a message in a group, as postcard. Only of those that failed.
pub(super) const TRIES: TableDefinition<'_, (u64, u32), &[u8]> = TableDefinition::new("tries");
/// Dead letters: the group, and the letter as postcard.
pub(super) const LETTERS: TableDefinition<'_, u64, (u32, &[u8])> = TableDefinition::new("letters");

/// What opening a file found in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Found {
    /// Tables that this program understands; they were made just now if there were none.
    Ours,
    /// Tables of a later version of this program.
    Newer(u64),
    /// A database of something else.
    Foreign,
}

/// Makes the tables of a new file; leaves those of another as they are.
pub(super) fn prepare(database: &Database) -> Result<Found, redb::Error> {
    let reading = database.begin_read()?;
    if reading.list_tables()?.next().is_some() {
        let found = match reading.open_table(META) {
            Ok(meta) => meta.get(SCHEMA_KEY)?.map(|value| value.value()),
            Err(redb::TableError::Storage(error)) => return Err(error.into()),
            Err(_none_or_another) => None,
        };
        return Ok(match found {
            Some(SCHEMA) => Found::Ours,
            Some(newer) if newer > SCHEMA => Found::Newer(newer),
            _ => Found::Foreign,
        });
    }
    drop(reading);
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).expect("a fresh transaction may be durable");
    transaction.open_table(META)?.insert(SCHEMA_KEY, SCHEMA)?;
    transaction.open_table(TOPICS)?;
    transaction.open_table(GROUPS)?;
    transaction.open_table(MESSAGES)?;
    transaction.open_table(DONE)?;
    transaction.open_table(TRIES)?;
    transaction.open_table(LETTERS)?;
    transaction.commit()?;
    Ok(Found::Ours)
}
