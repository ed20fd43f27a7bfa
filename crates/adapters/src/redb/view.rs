//! What readers see: the last durable state, as a snapshot of the file and what of it is in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Effect, Order, OrderId, OrderState, StoreError};
use redb::{Database, ReadTransaction, ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::batch::Changes;
use super::fault::Fault;
use super::tables::{LAST_SEQUENCE_KEY, META, OPEN_ORDERS, OUTBOX, TOTALS};

/// How many unfinished orders are kept in memory as well; what is beyond is read from the file.
pub const HOT_MAX: usize = 65_536;

/// The state of a store that readers share with the writer. Only the writer changes it, after each commit.
#[derive(Debug)]
pub(super) struct View {
    inner: Mutex<Inner>,
    /// Where the file is, for people.
    pub(super) place: String,
}

#[derive(Default)]
struct Inner {
    /// `None` while the file is out of reach.
    snapshot: Option<Arc<ReadTransaction>>,
    /// Why it is out of reach.
    broken: String,
    counts: Counts,
    hot: BTreeMap<OrderId, Arc<Order>>,
    /// Every order in no final state, by when it last moved.
    unfinished: BTreeSet<(u64, OrderId)>,
}

impl std::fmt::Debug for Inner {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut f = f.debug_struct("Inner");
        f.field("broken", &self.broken).field("counts", &self.counts).finish_non_exhaustive()
    }
}

/// Numbers that would otherwise have to be counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Orders by state.
    pub(super) totals: BTreeMap<OrderState, u64>,
    /// Messages that are not sent.
    pub(super) pending: u64,
    /// The last sequence that a message was given.
    pub(super) last_sequence: u64,
}

impl View {
    /// A view of nothing yet.
    pub(super) fn new(place: String) -> Self {
        Self { inner: Mutex::default(), place }
    }

    /// Nothing panics under the lock: values are only moved.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at a database that was just opened, and forgets what it knew of another.
    pub(super) fn show(&self, database: &Database) -> Result<(), Fault> {
        let snapshot = database.begin_read()?;
        let mut fresh = Inner::default();
        for entry in snapshot.open_table(OPEN_ORDERS)?.iter()? {
            let (id, json) = entry?;
            let order = Arc::new(order(id.value(), json.value())?);
            fresh.unfinished.insert((order.updated_at_us, order.order_id.clone()));
            if fresh.hot.len() < HOT_MAX {
                fresh.hot.insert(order.order_id.clone(), order);
            }
        }
        let totals = snapshot.open_table(TOTALS)?;
        for state in OrderState::ALL {
            if let Some(total) = totals.get(state.as_str())? {
                fresh.counts.totals.insert(state, total.value());
            }
        }
        fresh.counts.pending = snapshot.open_table(OUTBOX)?.len()?;
        let last_sequence = snapshot.open_table(META)?.get(LAST_SEQUENCE_KEY)?;
        fresh.counts.last_sequence = last_sequence.map_or(0, |last| last.value());
        fresh.snapshot = Some(Arc::new(snapshot));
        *self.lock() = fresh;
        Ok(())
    }

    /// The file is out of reach.
    pub(super) fn hide(&self, why: String) {
        let mut inner = self.lock();
        inner.snapshot = None;
        inner.broken = why;
    }

    /// What a batch changed is durable: readers see it from now on, all of it at once.
    pub(super) fn publish(&self, changes: Changes, snapshot: ReadTransaction) {
        let mut inner = self.lock();
        let Inner { hot, unfinished, counts, .. } = &mut *inner;
        for moved in changes.moved {
            unfinished.remove(&moved);
        }
        for (id, order) in changes.orders {
            if order.state().is_final() {
                hot.remove(&id);
                continue;
            }
            unfinished.insert((order.updated_at_us, id.clone()));
            if hot.len() < HOT_MAX || hot.contains_key(&id) {
                hot.insert(id, order);
            }
        }
        *counts = changes.counts;
        let before = inner.snapshot.replace(Arc::new(snapshot));
        drop(inner);
        // The last reader of the old snapshot gives its pages back, not under the lock.
        drop(before);
    }

    /// The durable state of the file.
    pub(super) fn snapshot(&self) -> Result<Arc<ReadTransaction>, StoreError> {
        let inner = self.lock();
        inner.snapshot.clone().ok_or_else(|| StoreError::Unavailable {
            detail: format!("{}: {}", self.place, inner.broken),
            effect: Effect::None,
        })
    }

    /// The numbers.
    pub(super) fn counts(&self) -> Counts {
        self.lock().counts.clone()
    }

    /// How many orders are in no final state.
    pub(super) fn unfinished_total(&self) -> u64 {
        self.lock().unfinished.len() as u64
    }

    /// The ids of the orders that last moved before an instant, those that have waited longest first.
    pub(super) fn unfinished(&self, before_us: u64, limit: usize) -> Vec<OrderId> {
        let inner = self.lock();
        let old = inner.unfinished.iter().take_while(|(moved_at_us, _)| *moved_at_us < before_us);
        old.take(limit).map(|(_, id)| id.clone()).collect()
    }

    /// An unfinished order, if memory has it.
    pub(super) fn hot(&self, id: &OrderId) -> Option<Arc<Order>> {
        self.lock().hot.get(id).cloned()
    }

    /// Whether there are unfinished orders that memory does not have.
    pub(super) fn has_cold(&self) -> bool {
        let inner = self.lock();
        inner.unfinished.len() > inner.hot.len()
    }
}

/// An order as it is stored.
pub(super) fn order(id: &str, json: &[u8]) -> Result<Order, Fault> {
    serde_json::from_slice(json).map_err(|source| Fault::Unreadable { key: id.to_owned(), source })
}
