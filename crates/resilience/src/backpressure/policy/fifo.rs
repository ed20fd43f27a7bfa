//! First come, first served.

use std::collections::BTreeMap;
use std::time::Duration;

use super::{Discipline, Ticket, Waiter};

/// The plain queue: fair, and right as long as it is short. (A long one serves everybody too late.)
///
/// Tickets ascend, so a map ordered by ticket is the queue; unlike a deque it lets a waiter leave from
/// the middle in logarithmic time.
#[derive(Clone, Debug, Default)]
pub struct Fifo {
    waiters: BTreeMap<Ticket, Waiter>,
}

impl Discipline for Fifo {
    fn push(&mut self, waiter: Waiter) {
        self.waiters.insert(waiter.ticket, waiter);
    }

    fn pop(&mut self, _now: Duration) -> Option<Waiter> {
        self.waiters.pop_first().map(|(_, waiter)| waiter)
    }

    fn remove(&mut self, ticket: Ticket) -> bool {
        self.waiters.remove(&ticket).is_some()
    }

    fn len(&self) -> usize {
        self.waiters.len()
    }
}
