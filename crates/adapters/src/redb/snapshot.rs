//! The tables as the last checkpoint left them, opened once for all who read until the next one.

use redb::{Database, ReadOnlyTable, ReadableDatabase};

use super::fault::Fault;
use super::tables::{
    CHARGE_KEYS, CHARGES, FINAL_ORDERS, NOTICES, OPEN_ORDERS, OUTBOX, RECORDS, StoredMessage, StoredRecord,
    VOIDED,
};

/// See the module.
pub(super) struct Snapshot {
    pub(super) open_orders: ReadOnlyTable<&'static str, &'static [u8]>,
    pub(super) final_orders: ReadOnlyTable<&'static str, &'static [u8]>,
    pub(super) outbox: ReadOnlyTable<u64, StoredMessage>,
    pub(super) charges: ReadOnlyTable<&'static str, &'static [u8]>,
    pub(super) charge_keys: ReadOnlyTable<&'static str, &'static str>,
    pub(super) voided: ReadOnlyTable<&'static str, ()>,
    pub(super) notices: ReadOnlyTable<&'static str, &'static [u8]>,
    pub(super) records: ReadOnlyTable<(&'static str, &'static str), StoredRecord>,
}

impl std::fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshot").finish_non_exhaustive()
    }
}

impl Snapshot {
    /// The tables as they are now.
    pub(super) fn of(database: &Database) -> Result<Self, Fault> {
        let reading = database.begin_read()?;
        Ok(Self {
            open_orders: reading.open_table(OPEN_ORDERS)?,
            final_orders: reading.open_table(FINAL_ORDERS)?,
            outbox: reading.open_table(OUTBOX)?,
            charges: reading.open_table(CHARGES)?,
            charge_keys: reading.open_table(CHARGE_KEYS)?,
            voided: reading.open_table(VOIDED)?,
            notices: reading.open_table(NOTICES)?,
            records: reading.open_table(RECORDS)?,
        })
    }
}
