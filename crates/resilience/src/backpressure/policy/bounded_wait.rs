//! First come, first served, but not after too long.

use std::time::Duration;

use super::line::Line;
use super::{Discipline, Ticket, Waiter};
use crate::refusal::Reason;

/// Sheds at dequeue who waited for more than `wait_max`: the queue of the credit strategy, which as in
/// Breakwater (OSDI 2020) drops what waited for more than twice the target delay.
#[derive(Clone, Debug)]
pub struct BoundedWait {
    line: Line,
    wait_max: Duration,
}

impl BoundedWait {
    /// An empty queue.
    #[must_use]
    pub fn new(wait_max: Duration) -> Self {
        Self { line: Line::default(), wait_max }
    }
}

impl Discipline for BoundedWait {
    fn push(&mut self, waiter: Waiter) {
        self.line.push(waiter);
    }

    fn pop(&mut self, _now: Duration) -> Option<Waiter> {
        self.line.pop_oldest()
    }

    fn remove(&mut self, ticket: Ticket) -> bool {
        self.line.remove(ticket).is_some()
    }

    fn shed(&mut self, now: Duration) -> Option<(Waiter, Reason)> {
        self.line.pop_older_than(now, self.wait_max).map(|waiter| (waiter, Reason::QueueDelay))
    }

    fn len(&self) -> usize {
        self.line.len()
    }
}
