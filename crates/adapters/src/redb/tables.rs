//! What is in the file.

use redb::{Database, Durability, ReadableDatabase, TableDefinition};

use super::fault::Fault;

/// The schema that this program writes and understands. The first had no log beside the file; it is taken over.
pub(super) const SCHEMA: u64 = 2;

/// Single numbers, by the keys below.
pub(super) const META: TableDefinition<'_, &str, u64> = TableDefinition::new("meta");
/// Which schema the file has.
pub(super) const SCHEMA_KEY: &str = "schema";
/// The last sequence that a message was given.
pub(super) const LAST_SEQUENCE_KEY: &str = "last_sequence";
/// The store's number, which stands in its log as well.
const STORE_KEY: &str = "store";
/// The last record of the log that is in the tables.
pub(super) const LOG_KEY: &str = "log";

/// Orders in no final state, by id, as JSON. Few at a time, and read as a whole when the file is opened.
pub(super) const OPEN_ORDERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("open_orders");
/// Orders that are finished, by id, as JSON.
pub(super) const FINAL_ORDERS: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("final_orders");
/// How many orders stand in each state, by the state's name.
pub(super) const TOTALS: TableDefinition<'_, &str, u64> = TableDefinition::new("totals");
/// A message: event id, topic, key, payload, time in µs.
pub(super) type StoredMessage = (&'static str, &'static str, &'static str, &'static [u8], u64);
/// Messages that are not sent, by sequence.
pub(super) const OUTBOX: TableDefinition<'_, u64, StoredMessage> = TableDefinition::new("outbox");

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
    Ours {
        /// The store's number.
        store: u64,
        /// The last record of the log that is in them.
        log: u64,
    },
    /// Tables of a later version of this program.
    Newer(u64),
    /// A database of something else.
    Foreign,
}

/// Makes the tables of a new file or of the first schema, where they are missing, for a store of this number; leaves
/// others as they are.
pub(super) fn prepare(database: &Database, store: u64) -> Result<Found, Fault> {
    let reading = database.begin_read()?;
    let is_new = reading.list_tables()?.next().is_none();
    let schema = match reading.open_table(META) {
        Ok(meta) => {
            let number = |key| Ok::<_, Fault>(meta.get(key)?.map(|value| value.value()));
            match (number(SCHEMA_KEY)?, number(STORE_KEY)?, number(LOG_KEY)?) {
                (Some(SCHEMA), Some(store), Some(log)) => return Ok(Found::Ours { store, log }),
                (schema, ..) => schema,
            }
        }
        Err(redb::TableError::Storage(error)) => return Err(error.into()),
        Err(_none_or_another) => None,
    };
    drop(reading);
    match schema {
        Some(1) => {}
        None if is_new => {}
        Some(newer) if newer > SCHEMA => return Ok(Found::Newer(newer)),
        _ => return Ok(Found::Foreign),
    }
    make(database, store)?;
    Ok(Found::Ours { store, log: 0 })
}

fn make(database: &Database, store: u64) -> Result<(), Fault> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).expect("a fresh transaction may be durable");
    let mut meta = transaction.open_table(META)?;
    for (key, value) in [(SCHEMA_KEY, SCHEMA), (STORE_KEY, store), (LOG_KEY, 0)] {
        meta.insert(key, value)?;
    }
    drop(meta);
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
    Ok(())
}
