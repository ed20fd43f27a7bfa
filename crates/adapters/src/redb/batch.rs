//! One transaction: what the jobs of a batch read and write, and what becomes visible when it is durable.

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::{Order, OrderId, OrderState};
use redb::{Key, Table, TableDefinition, Value, WriteTransaction};
use resilience::idempotency::{Claim, Key as RecordKey};

use super::fault::Fault;
use super::records::Leases;
use super::tables::{
    CHARGE_KEYS, CHARGES, FINAL_ORDERS, LAST_SEQUENCE_KEY, META, NOTICES, OPEN_ORDERS, OUTBOX, RECORD_ENDS,
    RECORDS, StoredRecord, TOTALS, VOIDED,
};
use super::view::{Counts, View};

/// What a batch changed, to be published when it is durable.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// Orders as they are now.
    pub(super) orders: BTreeMap<OrderId, Arc<Order>>,
    /// When orders had last moved that have moved now.
    pub(super) moved: Vec<(u64, OrderId)>,
    /// The numbers as they are now.
    pub(super) counts: Counts,
    /// Keys whose answer is stored now.
    pub(super) completed: Vec<(RecordKey, Claim)>,
    /// Whether there is anything to commit.
    pub(super) wrote: bool,
}

/// A table that is opened when it is first used.
type Lazy<'txn, K, V> = Option<Table<'txn, K, V>>;

/// A transaction and its tables.
pub(super) struct Batch<'txn> {
    transaction: &'txn WriteTransaction,
    pub(super) view: &'txn View,
    pub(super) leases: &'txn Leases,
    pub(super) changes: Changes,
    totals_before: BTreeMap<OrderState, u64>,
    last_sequence_before: u64,
    open_orders: Lazy<'txn, &'static str, &'static [u8]>,
    final_orders: Lazy<'txn, &'static str, &'static [u8]>,
    outbox: Lazy<'txn, u64, (&'static str, &'static str, &'static str, &'static [u8], u64)>,
    charges: Lazy<'txn, &'static str, &'static [u8]>,
    charge_keys: Lazy<'txn, &'static str, &'static str>,
    voided: Lazy<'txn, &'static str, ()>,
    notices: Lazy<'txn, &'static str, &'static [u8]>,
    records: Lazy<'txn, (&'static str, &'static str), StoredRecord>,
    record_ends: Lazy<'txn, (u128, &'static str, &'static str), ()>,
}

/// A table of the batch, opened now unless it was before. It is to be written to.
macro_rules! table {
    ($name:ident, $definition:ident, $key:ty, $value:ty) => {
        pub(super) fn $name(&mut self) -> Result<&mut Table<'txn, $key, $value>, Fault> {
            open(&mut self.$name, self.transaction, $definition)
        }
    };
}

impl<'txn> Batch<'txn> {
    pub(super) fn new(transaction: &'txn WriteTransaction, view: &'txn View, leases: &'txn Leases) -> Self {
        let counts = view.counts();
        Self {
            transaction,
            view,
            leases,
            totals_before: counts.totals.clone(),
            last_sequence_before: counts.last_sequence,
            changes: Changes { counts, ..Changes::default() },
            open_orders: None,
            final_orders: None,
            outbox: None,
            charges: None,
            charge_keys: None,
            voided: None,
            notices: None,
            records: None,
            record_ends: None,
        }
    }

    table!(open_orders, OPEN_ORDERS, &'static str, &'static [u8]);
    table!(final_orders, FINAL_ORDERS, &'static str, &'static [u8]);
    table!(outbox, OUTBOX, u64, (&'static str, &'static str, &'static str, &'static [u8], u64));
    table!(charges, CHARGES, &'static str, &'static [u8]);
    table!(charge_keys, CHARGE_KEYS, &'static str, &'static str);
    table!(voided, VOIDED, &'static str, ());
    table!(notices, NOTICES, &'static str, &'static [u8]);
    table!(records, RECORDS, (&'static str, &'static str), StoredRecord);
    table!(record_ends, RECORD_ENDS, (u128, &'static str, &'static str), ());

    /// Writes the numbers that have changed, and closes all tables.
    pub(super) fn finish(self) -> Result<Changes, Fault> {
        let Self { transaction, changes, totals_before, last_sequence_before, .. } = self;
        let changed = |(state, total): &(&OrderState, &u64)| totals_before.get(state) != Some(total);
        let mut changed = changes.counts.totals.iter().filter(changed).peekable();
        if changed.peek().is_some() {
            let mut table = transaction.open_table(TOTALS)?;
            for (state, total) in changed {
                table.insert(state.as_str(), total)?;
            }
        }
        if changes.counts.last_sequence != last_sequence_before {
            transaction.open_table(META)?.insert(LAST_SEQUENCE_KEY, changes.counts.last_sequence)?;
        }
        Ok(changes)
    }
}

fn open<'a, 'txn, K: Key + 'static, V: Value + 'static>(
    place: &'a mut Lazy<'txn, K, V>,
    transaction: &'txn WriteTransaction,
    definition: TableDefinition<'static, K, V>,
) -> Result<&'a mut Table<'txn, K, V>, Fault> {
    if place.is_none() {
        *place = Some(transaction.open_table(definition)?);
    }
    Ok(place.as_mut().expect("it was opened just now"))
}
