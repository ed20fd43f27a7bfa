//! A discipline that is chosen when the pool is made.

use std::time::Duration;

use super::{
    AdaptiveLifo, BoundedWait, CodelSettings, DeadlineAware, Discipline, Fifo, Precedence, PriorityQueue,
    Ticket, Waiter,
};
use crate::refusal::Reason;

/// Any of the disciplines.
#[derive(Clone, Debug)]
pub enum Queue {
    /// First come, first served.
    Fifo(Fifo),
    /// Without those who cannot be served in time.
    DeadlineAware(DeadlineAware),
    /// Newest first while the queue stands.
    AdaptiveLifo(AdaptiveLifo),
    /// The important first.
    Priority(PriorityQueue),
    /// Not after too long.
    BoundedWait(BoundedWait),
}

impl Default for Queue {
    fn default() -> Self {
        Self::fifo()
    }
}

impl Queue {
    /// First come, first served.
    #[must_use]
    pub fn fifo() -> Self {
        Self::Fifo(Fifo::default())
    }

    /// First come, first served without the doomed; see [`DeadlineAware`].
    #[must_use]
    pub fn deadline_aware(service_time: Duration) -> Self {
        Self::DeadlineAware(DeadlineAware::new(Precedence::Arrival, service_time))
    }

    /// The earliest deadline first without the doomed; see [`DeadlineAware`].
    #[must_use]
    pub fn earliest_deadline(service_time: Duration) -> Self {
        Self::DeadlineAware(DeadlineAware::new(Precedence::EarliestDeadline, service_time))
    }

    /// CoDel with adaptive LIFO; see [`AdaptiveLifo`].
    #[must_use]
    pub fn adaptive_lifo(settings: CodelSettings) -> Self {
        Self::AdaptiveLifo(AdaptiveLifo::new(settings))
    }

    /// The important first; see [`PriorityQueue`].
    #[must_use]
    pub fn priority() -> Self {
        Self::Priority(PriorityQueue::default())
    }

    /// First come, first served, but not after more than `wait_max`.
    #[must_use]
    pub fn bounded_wait(wait_max: Duration) -> Self {
        Self::BoundedWait(BoundedWait::new(wait_max))
    }

    /// Whether the queue itself says that it is overloaded; `None` when it does not judge that.
    #[must_use]
    pub fn is_overloaded(&self, now: Duration) -> Option<bool> {
        match self {
            Self::AdaptiveLifo(queue) => Some(queue.is_overloaded(now)),
            _ => None,
        }
    }

    fn get(&self) -> &dyn Discipline {
        match self {
            Self::Fifo(queue) => queue,
            Self::DeadlineAware(queue) => queue,
            Self::AdaptiveLifo(queue) => queue,
            Self::Priority(queue) => queue,
            Self::BoundedWait(queue) => queue,
        }
    }

    fn get_mut(&mut self) -> &mut dyn Discipline {
        match self {
            Self::Fifo(queue) => queue,
            Self::DeadlineAware(queue) => queue,
            Self::AdaptiveLifo(queue) => queue,
            Self::Priority(queue) => queue,
            Self::BoundedWait(queue) => queue,
        }
    }
}

impl Discipline for Queue {
    fn push(&mut self, waiter: Waiter) {
        self.get_mut().push(waiter);
    }

    fn pop(&mut self, now: Duration) -> Option<Waiter> {
        self.get_mut().pop(now)
    }

    fn remove(&mut self, ticket: Ticket) -> bool {
        self.get_mut().remove(ticket)
    }

    fn shed(&mut self, now: Duration) -> Option<(Waiter, Reason)> {
        self.get_mut().shed(now)
    }

    fn displace(&mut self, now: Duration, newcomer: &Waiter) -> Option<(Waiter, Reason)> {
        self.get_mut().displace(now, newcomer)
    }

    fn len(&self) -> usize {
        self.get().len()
    }
}
