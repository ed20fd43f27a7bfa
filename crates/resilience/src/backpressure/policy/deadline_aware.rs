//! Nobody works for somebody who will not wait for it.

use std::time::Duration;

use super::line::Line;
use super::{Discipline, Ticket, Waiter};
use crate::refusal::Reason;

/// Who goes first among those who can still be served in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Precedence {
    /// First come, first served.
    #[default]
    Arrival,
    /// The earliest deadline first (Liu and Layland, 1973), those without one last. Meets the most
    /// deadlines while there is enough capacity for all. Under overload it serves everybody at the last
    /// moment, which shedding the doomed makes bearable and no more.
    EarliestDeadline,
}

/// Sheds the doomed at dequeue: those whose deadline cannot be met any more, were they to begin now.
///
/// A queue that serves the expired does only useless work once it is longer than the callers' patience,
/// and does not recover while load lasts. Dropping the doomed breaks that, but a first-come queue still
/// serves everybody at the last moment, and of those that just fit some do not: under twice the load some
/// two thirds of the capacity are of use. Bound the queue as well, or use
/// [`AdaptiveLifo`](super::AdaptiveLifo).
///
/// `service_time` is how long a call takes once begun; the mean, or a percentile to be strict; zero sheds
/// only what has expired already. Calls without a deadline are never shed.
#[derive(Clone, Debug, Default)]
pub struct DeadlineAware {
    line: Line,
    precedence: Precedence,
    service_time: Duration,
}

impl DeadlineAware {
    /// An empty queue.
    #[must_use]
    pub fn new(precedence: Precedence, service_time: Duration) -> Self {
        Self { line: Line::default(), precedence, service_time }
    }
}

impl Discipline for DeadlineAware {
    fn push(&mut self, waiter: Waiter) {
        self.line.push(waiter);
    }

    fn pop(&mut self, _now: Duration) -> Option<Waiter> {
        match self.precedence {
            Precedence::Arrival => self.line.pop_oldest(),
            Precedence::EarliestDeadline => self.line.pop_most_urgent(),
        }
    }

    fn remove(&mut self, ticket: Ticket) -> bool {
        self.line.remove(ticket).is_some()
    }

    fn shed(&mut self, now: Duration) -> Option<(Waiter, Reason)> {
        self.line.pop_doomed(now, self.service_time).map(|waiter| (waiter, Reason::Doomed))
    }

    fn len(&self) -> usize {
        self.line.len()
    }
}
