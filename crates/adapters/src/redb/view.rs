//! What readers see: what is durable, in the tables and above them, and what of it is kept in memory whole.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use domain::{Effect, Order, OrderId, OrderState, StoreError};
use node::redb::at_place;
use redb::{Database, ReadableDatabase, ReadableTable, ReadableTableMetadata};

use super::batch::Changes;
use super::checkpoint::Frozen;
use super::fault::Fault;
use super::overlay::Overlay;
use super::row::{NoRow, number};
use super::snapshot::Snapshot;
use super::tables::{LAST_SEQUENCE_KEY, META, TOTALS};

/// How many unfinished orders are kept in memory whole; the others are read from where they are stored.
pub const HOT_MAX: usize = 65_536;

/// The state of a store that readers share with the writer. Only the writer changes it, when something is durable.
#[derive(Debug)]
pub(super) struct View {
    inner: Mutex<Inner>,
    /// Where the file is, for people.
    pub(super) place: String,
}

#[derive(Default)]
struct Inner {
    /// What is in the log that is being written.
    active: Overlay,
    /// `None` while the file is out of reach.
    below: Option<Below>,
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

/// What lies below what is in the log that is being written. Clones are the same.
#[derive(Clone)]
pub(super) struct Below {
    /// What a checkpoint is bringing into the tables.
    pub(super) frozen: Option<Arc<Frozen>>,
    /// The tables as they were before it.
    pub(super) snapshot: Arc<Snapshot>,
}

impl Below {
    /// Finds something in what a checkpoint is at, or else in the tables.
    pub(super) fn find<T>(
        &self,
        above: impl FnOnce(&Overlay) -> Option<T>,
        below: impl FnOnce(&Snapshot) -> Result<Option<T>, Fault>,
    ) -> Result<Option<T>, Fault> {
        let found = self.frozen.as_deref().and_then(|frozen| above(&frozen.overlay));
        found.map_or_else(|| below(&self.snapshot), |found| Ok(Some(found)))
    }
}

/// Numbers that would otherwise have to be counted.
#[derive(Clone, Debug, Default)]
pub(super) struct Counts {
    /// Those that are stored.
    pub(super) numbers: Numbers,
    /// Messages that are not sent.
    pub(super) pending: u64,
}

/// Numbers that are stored with what they count.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Numbers {
    /// Orders by state.
    pub(super) totals: BTreeMap<OrderState, u64>,
    /// The last sequence that a message was given.
    pub(super) last_sequence: u64,
}

impl Numbers {
    /// How long they are in the log.
    pub(super) const BYTES: usize = 8 + 8 * OrderState::ALL.len();

    /// Writes them into as many bytes.
    pub(super) fn encode(&self, out: &mut [u8]) {
        let totals = OrderState::ALL.iter().map(|state| self.totals.get(state).copied().unwrap_or(0));
        for (number, out) in std::iter::once(self.last_sequence).chain(totals).zip(out.chunks_exact_mut(8)) {
            out.copy_from_slice(&number.to_le_bytes());
        }
    }

    /// Takes them from the front.
    pub(super) fn decode(from: &mut &[u8]) -> Result<Self, NoRow> {
        let mut numbers = Self { last_sequence: number(from)?, totals: BTreeMap::new() };
        for state in OrderState::ALL {
            numbers.totals.insert(state, number(from)?);
        }
        Ok(numbers)
    }
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

    /// Looks at a database that was just opened and has everything that is durable, and forgets what it knew of another.
    pub(super) fn show(&self, database: &Database) -> Result<(), Fault> {
        let snapshot = Snapshot::of(database)?;
        let mut fresh = Inner::default();
        for entry in snapshot.open_orders.iter()? {
            let (id, json) = entry?;
            let order = Arc::new(order(id.value(), json.value())?);
            fresh.unfinished.insert((order.updated_at_us, order.order_id.clone()));
            if fresh.hot.len() < HOT_MAX {
                fresh.hot.insert(order.order_id.clone(), order);
            }
        }
        let reading = database.begin_read()?;
        let (stored, numbers) = (reading.open_table(TOTALS)?, &mut fresh.counts.numbers);
        for state in OrderState::ALL {
            if let Some(total) = stored.get(state.as_str())? {
                numbers.totals.insert(state, total.value());
            }
        }
        let last_sequence = reading.open_table(META)?.get(LAST_SEQUENCE_KEY)?;
        numbers.last_sequence = last_sequence.map_or(0, |last| last.value());
        fresh.counts.pending = snapshot.outbox.len()?;
        fresh.below = Some(Below { frozen: None, snapshot: Arc::new(snapshot) });
        *self.lock() = fresh;
        Ok(())
    }

    /// The file is out of reach.
    pub(super) fn hide(&self, why: String) {
        let mut inner = self.lock();
        inner.active = Overlay::default();
        inner.below = None;
        inner.broken = why;
    }

    /// What a batch changed is durable: readers see it from now on, all of it at once.
    pub(super) fn publish(&self, changes: Changes) {
        let mut inner = self.lock();
        let Inner { active, hot, unfinished, counts, .. } = &mut *inner;
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
        active.absorb(changes.overlay);
        let (by, at_most) = changes.forget;
        active.forget_records(by, at_most);
    }

    /// What was published until now goes to a checkpoint; `last` is the number of its last record.
    pub(super) fn freeze(&self, last: u64) -> Arc<Frozen> {
        let mut inner = self.lock();
        let numbers = Some(inner.counts.numbers.clone());
        let frozen = Arc::new(Frozen { overlay: std::mem::take(&mut inner.active), numbers, last });
        let below = inner.below.as_mut().expect("a file that is out of reach has no checkpoint");
        below.frozen = Some(Arc::clone(&frozen));
        frozen
    }

    /// The checkpoint is durable: the tables have it.
    pub(super) fn thaw(&self, snapshot: Arc<Snapshot>) {
        let below = Below { frozen: None, snapshot };
        let before = self.lock().below.replace(below);
        // The last reader of the old snapshot gives its pages back, not under the lock.
        drop(before);
    }

    /// Whether the file is within reach.
    pub(super) fn check_reachable(&self) -> Result<(), StoreError> {
        let inner = self.lock();
        if inner.below.is_some() { Ok(()) } else { Err(self.out_of_reach(&inner)) }
    }

    fn out_of_reach(&self, inner: &Inner) -> StoreError {
        let detail = at_place(&self.place, &inner.broken);
        StoreError::Unavailable { detail, effect: Effect::None }
    }

    /// What lies below what is in the log that is being written.
    pub(super) fn below(&self) -> Result<Below, StoreError> {
        self.capture(|_| ()).map(|((), below)| below)
    }

    /// Looks at what is in the log that is being written, and at nothing below.
    pub(super) fn look<T>(&self, look: impl FnOnce(&Overlay) -> Option<T>) -> Option<T> {
        look(&self.lock().active)
    }

    /// What somebody wants of the log that is being written, and all that lies below at that moment.
    pub(super) fn capture<T>(&self, take: impl FnOnce(&Overlay) -> T) -> Result<(T, Below), StoreError> {
        let inner = self.lock();
        let Some(below) = &inner.below else { return Err(self.out_of_reach(&inner)) };
        Ok((take(&inner.active), below.clone()))
    }

    /// Finds something that is durable.
    pub(super) fn find<T>(
        &self,
        above: impl Fn(&Overlay) -> Option<T>,
        below: impl FnOnce(&Snapshot) -> Result<Option<T>, Fault>,
    ) -> Result<Option<T>, StoreError> {
        let (found, beneath) = self.capture(&above)?;
        if found.is_some() {
            return Ok(found);
        }
        beneath.find(above, below).map_err(|fault| fault.told(&self.place, Effect::None))
    }

    /// Whether nothing was changed since the last checkpoint, and how much otherwise.
    pub(super) fn active_len(&self) -> usize {
        self.lock().active.len()
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
