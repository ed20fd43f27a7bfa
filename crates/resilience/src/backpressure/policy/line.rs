//! The line that disciplines take from: in the order of coming, with an index of deadlines.

use std::collections::BTreeSet;
use std::time::Duration;

use super::row::Row;
use super::{Ticket, Waiter};

/// Waiters by ticket, which is by age, and by deadline. Everything in logarithmic time.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    waiters: Row<Waiter>,
    /// Those that have a deadline.
    deadlines: BTreeSet<(Duration, Ticket)>,
}

impl Line {
    pub(super) fn push(&mut self, waiter: Waiter) {
        if let Some(deadline) = waiter.terms.deadline {
            self.deadlines.insert((deadline, waiter.ticket));
        }
        self.waiters.push(waiter.ticket, waiter);
    }

    pub(super) fn remove(&mut self, ticket: Ticket) -> Option<Waiter> {
        let waiter = self.waiters.remove(ticket)?;
        self.forget_deadline(&waiter);
        Some(waiter)
    }

    fn forget_deadline(&mut self, waiter: &Waiter) {
        if let Some(deadline) = waiter.terms.deadline {
            self.deadlines.remove(&(deadline, waiter.ticket));
        }
    }

    pub(super) fn oldest(&self) -> Option<&Waiter> {
        self.waiters.first()
    }

    pub(super) fn pop_oldest(&mut self) -> Option<Waiter> {
        let waiter = self.waiters.pop_first()?;
        self.forget_deadline(&waiter);
        Some(waiter)
    }

    pub(super) fn pop_newest(&mut self) -> Option<Waiter> {
        let waiter = self.waiters.pop_last()?;
        self.forget_deadline(&waiter);
        Some(waiter)
    }

    /// The earliest deadline first; those without one after all others, by age.
    pub(super) fn pop_most_urgent(&mut self) -> Option<Waiter> {
        match self.deadlines.first() {
            Some((_, ticket)) => self.remove(*ticket),
            None => self.pop_oldest(),
        }
    }

    /// One whose deadline could not be met any more if it began now and took `service_time`.
    pub(super) fn pop_doomed(&mut self, now: Duration, service_time: Duration) -> Option<Waiter> {
        let (deadline, ticket) = *self.deadlines.first()?;
        if now.saturating_add(service_time) <= deadline {
            return None;
        }
        self.remove(ticket)
    }

    /// The oldest, if it waited for more than `wait_max`.
    pub(super) fn pop_older_than(&mut self, now: Duration, wait_max: Duration) -> Option<Waiter> {
        if now.saturating_sub(self.oldest()?.since) <= wait_max {
            return None;
        }
        self.pop_oldest()
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }
}
