//! What was changed and is not in the tables yet, by what it is about: each thing as it is now, however often it changed.
//!
//! The same type stands at three levels, the newest first: what a batch changes, what is durable in the log, and what a
//! checkpoint is just bringing into the tables. Whoever looks for something looks through them downwards, and then in
//! the tables.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use domain::{Message, OrderId};
use resilience::idempotency::Key;
use resilience::idempotency::policy::Record;

use super::row::Row;

/// A value as it is stored.
pub(super) type Bytes = Arc<[u8]>;

/// An order as it is stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct StoredOrder {
    /// Whether its state is a final one, which says in which table it belongs.
    pub(super) is_final: bool,
    /// All of it.
    pub(super) json: Bytes,
}

/// What was changed. See the module.
#[derive(Clone, Debug, Default)]
pub(super) struct Overlay {
    pub(super) orders: BTreeMap<OrderId, StoredOrder>,
    /// `None`: one that lies further down was sent.
    pub(super) outbox: BTreeMap<u64, Option<Arc<Message>>>,
    pub(super) charges: BTreeMap<Arc<str>, Bytes>,
    pub(super) charge_keys: BTreeMap<Arc<str>, Arc<str>>,
    pub(super) voided: BTreeSet<Arc<str>>,
    pub(super) notices: BTreeMap<Arc<str>, Bytes>,
    /// Completed ones only.
    pub(super) records: BTreeMap<Key, Record>,
    record_ends: BTreeSet<(Duration, Key)>,
}

impl Overlay {
    /// How many things were changed.
    pub(super) fn len(&self) -> usize {
        let payments = self.charges.len() + self.charge_keys.len() + self.voided.len();
        self.orders.len() + self.outbox.len() + payments + self.notices.len() + self.records.len()
    }

    /// A thing as it is now.
    pub(super) fn put(&mut self, row: Row) {
        match row {
            Row::Order { id, order } => drop(self.orders.insert(id, order)),
            Row::Message { sequence, message } => drop(self.outbox.insert(sequence, Some(message))),
            Row::Sent { sequence } => self.sent(sequence),
            Row::Charge { id, json } => drop(self.charges.insert(id, json)),
            Row::ChargeKey { key, id } => drop(self.charge_keys.insert(key, id)),
            Row::Voided { key } => drop(self.voided.insert(key)),
            Row::Notice { id, json } => drop(self.notices.insert(id, json)),
            Row::Record { key, record } => self.record(key, record),
        }
    }

    fn sent(&mut self, sequence: u64) {
        // A message has one level: where it stands here, nothing of it is further down.
        if !matches!(self.outbox.remove(&sequence), Some(Some(_))) {
            self.outbox.insert(sequence, None);
        }
    }

    fn record(&mut self, key: Key, record: Record) {
        let until = record.until;
        if let Some(before) = self.records.insert(key.clone(), record) {
            self.record_ends.remove(&(before.until, key.clone()));
        }
        self.record_ends.insert((until, key));
    }

    /// Takes over what was changed after this.
    pub(super) fn absorb(&mut self, newer: Self) {
        let Self { orders, outbox, charges, charge_keys, voided, notices, records, record_ends: _ } = newer;
        self.orders.extend(orders);
        for (sequence, message) in outbox {
            match message {
                Some(message) => drop(self.outbox.insert(sequence, Some(message))),
                None => self.sent(sequence),
            }
        }
        self.charges.extend(charges);
        self.charge_keys.extend(charge_keys);
        self.voided.extend(voided);
        self.notices.extend(notices);
        for (key, record) in records {
            self.record(key, record);
        }
    }

    /// Forgets answers that are over by then, those first that were over first. What lies further down of their keys is
    /// over as well.
    pub(super) fn forget_records(&mut self, by: Duration, at_most: usize) {
        for _ in 0..at_most {
            let Some((_, key)) = self.record_ends.first().filter(|(until, _)| *until <= by).cloned() else {
                return;
            };
            self.record_ends.pop_first();
            self.records.remove(&key);
        }
    }
}
