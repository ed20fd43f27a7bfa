//! One batch: what its jobs read and change, and what becomes visible when that is durable.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use domain::{Order, OrderId};
use resilience::idempotency::{Claim, Key};

use super::fault::Fault;
use super::log::HEADER_BYTES;
use super::orders;
use super::overlay::Overlay;
use super::records::Leases;
use super::row::Row;
use super::snapshot::Snapshot;
use super::view::{Below, Counts, Numbers, View};

/// What a batch changed, to be published when it is durable.
#[derive(Debug, Default)]
pub(super) struct Changes {
    /// What was changed.
    pub(super) overlay: Overlay,
    /// Orders as they are now; they are written when the batch is complete.
    pub(super) orders: BTreeMap<OrderId, Arc<Order>>,
    /// When orders had last moved that have moved now.
    pub(super) moved: Vec<(u64, OrderId)>,
    /// The numbers as they are now.
    pub(super) counts: Counts,
    /// Keys whose answer is stored now.
    pub(super) completed: Vec<(Key, Claim)>,
    /// Answers that are over by then may be forgotten, and how many of them.
    pub(super) forget: (Duration, usize),
}

/// A batch in the making.
pub(super) struct Batch<'a> {
    pub(super) view: &'a View,
    pub(super) leases: &'a Leases,
    below: &'a Below,
    pub(super) changes: Changes,
    /// The record of the log: room for its header and the numbers, and then what was changed.
    record: &'a mut Vec<u8>,
}

impl<'a> Batch<'a> {
    /// A batch that has changed nothing. Its record is made in the place of another.
    pub(super) fn new(view: &'a View, leases: &'a Leases, below: &'a Below, record: &'a mut Vec<u8>) -> Self {
        record.clear();
        record.resize(HEADER_BYTES + Numbers::BYTES, 0);
        let changes = Changes { counts: view.counts(), ..Changes::default() };
        Self { view, leases, below, changes, record }
    }

    /// Finds something as this batch sees it: what was changed, in any of the levels, and else what the tables have.
    pub(super) fn find<T>(
        &self,
        above: impl Fn(&Overlay) -> Option<T>,
        below: impl FnOnce(&Snapshot) -> Result<Option<T>, Fault>,
    ) -> Result<Option<T>, Fault> {
        let found = above(&self.changes.overlay).or_else(|| self.view.look(&above));
        found.map_or_else(|| self.below.find(above, below), |found| Ok(Some(found)))
    }

    /// Something is like this from now on.
    pub(super) fn put(&mut self, row: Row) {
        row.encode(self.record);
        self.changes.overlay.put(row);
    }

    /// What was changed, `None` if nothing was. The record is complete but for its header.
    pub(super) fn finish(mut self) -> Option<Changes> {
        // Not before: an order that moved more than once is written once.
        let moved: Vec<_> = self.changes.orders.values().cloned().collect();
        for order in moved {
            self.put(orders::row(&order));
        }
        let Self { changes, record, .. } = self;
        let rows = HEADER_BYTES + Numbers::BYTES;
        changes.counts.numbers.encode(&mut record[HEADER_BYTES..rows]);
        (record.len() > rows).then_some(changes)
    }
}
