//! What is in the file.

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::fault::Fault;

/// The schema that this program writes and understands.
pub(super) const SCHEMA: u64 = 1;

/// Single numbers: [`SCHEMA_KEY`], [`LAST_SEQUENCE_KEY`], [`PROBE_KEY`].
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Which schema the file has.
pub(super) const SCHEMA_KEY: &str = "schema";
/// The last sequence that a message was given.
pub(super) const LAST_SEQUENCE_KEY: &str = "last_sequence";
/// Written to find out whether writing works again.
pub(super) const PROBE_KEY: &str = "probe";

/// Orders in no final state, by id, as JSON. Few at a time, and read as a whole when the file is opened.
pub(super) const OPEN_ORDERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("open_orders");
/// Orders that are finished, by id, as JSON.
pub(super) const FINAL_ORDERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("final_orders");
/// How many orders stand in each state, by the state's name.
pub(super) const TOTALS: TableDefinition<'_, &str, u64> = TableDefinition::new("totals");
/// Messages that are not sent, by sequence: event id, topic, key, payload, time in µs.
pub(super) const OUTBOX: TableDefinition<'_, u64, (&str, &str, &str, &[u8], u64)> =
    TableDefinition::new("outbox");

/// Charges by id, as JSON.
pub(super) const CHARGES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("charges");
/// The charge of an idempotency key.
pub(super) const CHARGE_KEYS: TableDefinition<'_, &str, &str> = TableDefinition::new("charge_keys");
/// Tombstones: keys under which nothing may be charged any more.
pub(super) const VOIDED: TableDefinition<'_, &str, ()> = TableDefinition::new("voided");

/// What customers were told, by the notice's id, as JSON.
pub(super) const NOTICES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("notices");

/// A completed record: fingerprint, the claim's owner and number, until when (ns since the epoch), the answer.
pub(super) type StoredRecord = (u128, u64, u64, u128, &'static [u8]);
/// Completed records by key: text and scope.
pub(super) const RECORDS: TableDefinition<'_, (&str, &str), StoredRecord> = TableDefinition::new("records");
/// The same keys by when their time is over (ns since the epoch).
pub(super) const RECORD_ENDS: TableDefinition<'_, (u128, &str, &str), ()> =
    TableDefinition::new("record_ends");

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
pub(super) fn prepare(database: &Database) -> Result<Found, Fault> {
    let reading = database.begin_read()?;
    if reading.list_tables()?.next().is_some() {
        let found = match reading.open_table(META) {
            Ok(meta) => redb::ReadableTable::get(&meta, SCHEMA_KEY)?.map(|value| value.value()),
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
    transaction.open_table(OPEN_ORDERS)?;
    transaction.open_table(FINAL_ORDERS)?;
    transaction.open_table(TOTALS)?;
    transaction.open_table(OUTBOX)?;
    transaction.open_table(CHARGES)?;
    transaction.open_table(CHARGE_KEYS)?;
    transaction.open_table(VOIDED)?;
    transaction.open_table(NOTICES)?;
    transaction.open_table(RECORDS)?;
    transaction.open_table(RECORD_ENDS)?;
    transaction.commit()?;
    Ok(Found::Ours)
}
