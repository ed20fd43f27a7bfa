//! First come, first served.

use std::time::Duration;

use super::row::Row;
use super::{Discipline, Ticket, Waiter};

/// The plain queue: fair, and right as long as it is short. (A long one serves everybody too late.)
#[derive(Clone, Debug, Default)]
pub struct Fifo {
    waiters: Row<Waiter>,
}

impl Fifo {
    pub(super) fn restart_waits(&mut self, now: Duration) {
        self.waiters.values_mut().for_each(|waiter| waiter.since = now);
    }
}

impl Discipline for Fifo {
    fn push(&mut self, waiter: Waiter) {
        self.waiters.push(waiter.ticket, waiter);
    }

    fn pop(&mut self, _now: Duration) -> Option<Waiter> {
        self.waiters.pop_first()
    }

    fn remove(&mut self, ticket: Ticket) -> bool {
        self.waiters.remove(ticket).is_some()
    }

    fn len(&self) -> usize {
        self.waiters.len()
    }
}
