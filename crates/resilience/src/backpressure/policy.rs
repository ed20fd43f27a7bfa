//! Who works, who waits, who is refused: the pool as a pure state machine.
//!
//! [`Pool`] counts workers and asks a [`Discipline`] who is next, and who is not worth a worker any more. It
//! holds tickets and no requests, and wakes nobody: what a ticket stands for is the caller's business.
//! After everything that may have made room ([`Pool::finish`], [`Pool::set_limits`]) the caller takes
//! [`Pool::next`] until there is none; after that, and after each arrival, [`Pool::next_shed`] until there
//! is none.

mod adaptive_lifo;
mod bounded_wait;
mod deadline_aware;
mod fifo;
mod line;
mod priority_queue;
mod queue;
mod row;

use std::collections::VecDeque;
use std::time::Duration;

pub use adaptive_lifo::{AdaptiveLifo, CodelSettings};
pub use bounded_wait::BoundedWait;
pub use deadline_aware::{DeadlineAware, Precedence};
pub use fifo::Fifo;
pub use priority_queue::PriorityQueue;
pub use queue::Queue;
pub(super) use row::Row;

use crate::priority::Priority;
use crate::refusal::Reason;

/// How much a pool takes on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PoolLimits {
    /// The most calls that run at once. 0 pauses the pool: what comes waits.
    pub workers: usize,
    /// The most calls that wait. 0 refuses whatever finds no free worker.
    pub queue: usize,
}

/// A place in the queue. Tickets are given out in ascending order and never twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ticket(u64);

/// What a discipline may know of a call. By default nothing: no deadline, normal priority.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Terms {
    /// When its answer is worth nothing any more, on the same clock as `now`.
    pub deadline: Option<Duration>,
    /// How important it is.
    pub priority: Priority,
}

/// Somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Its place.
    pub ticket: Ticket,
    /// When it came.
    pub since: Duration,
    /// What is known of it.
    pub terms: Terms,
}

/// The order in which waiters get their turn: the one thing that differs between queues.
///
/// A discipline is a pure container: it never decides whether there is room (the pool does), only who
/// goes next and who goes away. `now` is for those that look at how long somebody has waited.
pub trait Discipline {
    /// Takes a waiter in.
    fn push(&mut self, waiter: Waiter);

    /// Takes out whose turn it is; `None` only when nobody waits.
    fn pop(&mut self, now: Duration) -> Option<Waiter>;

    /// Takes out a waiter that gave up; false when it is not there.
    fn remove(&mut self, ticket: Ticket) -> bool;

    /// Takes out one that is not worth a worker any more, and says why. Asked before each [`Discipline::pop`],
    /// and when the queue is full, until there is none. By default nobody is shed.
    fn shed(&mut self, _now: Duration) -> Option<(Waiter, Reason)> {
        None
    }

    /// Takes out one who has to make room for a newcomer in a full queue, and says why. By default nobody:
    /// it is the newcomer who is refused.
    fn displace(&mut self, _now: Duration, _newcomer: &Waiter) -> Option<(Waiter, Reason)> {
        None
    }

    /// How many wait.
    fn len(&self) -> usize;

    /// Whether nobody waits.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// What becomes of a call that arrives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Arrival {
    /// It has a worker.
    Run,
    /// It waits under this ticket.
    Wait(Ticket),
    /// There is no room.
    Refuse,
}

/// A waiter whose turn has come. It has a worker now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Turn {
    /// Who.
    pub ticket: Ticket,
    /// How long it waited.
    pub waited: Duration,
}

/// A waiter who will not get a turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Shed {
    /// Who.
    pub ticket: Ticket,
    /// How long it waited in vain.
    pub waited: Duration,
    /// Why.
    pub reason: Reason,
}

/// The pool. See the module for how it is used.
#[derive(Clone, Debug)]
pub struct Pool<D = Fifo> {
    limits: PoolLimits,
    running: usize,
    queue: D,
    next_ticket: u64,
    /// Those who were shed and not taken note of yet: at most who waited.
    shed: VecDeque<Shed>,
}

impl<D: Discipline> Pool<D> {
    /// An idle pool.
    pub const fn new(limits: PoolLimits, queue: D) -> Self {
        Self { limits, running: 0, queue, next_ticket: 0, shed: VecDeque::new() }
    }

    /// A call arrives of which nothing is known.
    pub fn arrive(&mut self, now: Duration) -> Arrival {
        self.arrive_with(now, Terms::default())
    }

    /// A call arrives. Who is displaced by it is to be had from [`Pool::next_shed`].
    pub fn arrive_with(&mut self, now: Duration, terms: Terms) -> Arrival {
        // With somebody waiting there is no free worker, but a caller between `finish` and `next` might
        // find one: it belongs to the queue.
        if self.queue.is_empty() && self.running < self.limits.workers {
            self.running += 1;
            return Arrival::Run;
        }
        let ticket = Ticket(self.next_ticket);
        let newcomer = Waiter { ticket, since: now, terms };
        if self.queue.len() >= self.limits.queue {
            // Who is beyond help does not keep a living one out.
            self.shed_all(now);
        }
        if self.queue.len() >= self.limits.queue {
            let Some((waiter, reason)) = self.queue.displace(now, &newcomer) else { return Arrival::Refuse };
            self.note_shed(now, &waiter, reason);
        }
        self.next_ticket += 1;
        self.queue.push(newcomer);
        Arrival::Wait(ticket)
    }

    /// A running call is over, however it ended.
    ///
    /// # Panics
    /// When nothing runs: the caller has lost count.
    pub fn finish(&mut self) {
        assert!(self.running > 0, "more calls ended than had begun");
        self.running -= 1;
    }

    /// A waiter gives up; false when it does not wait any more.
    pub fn leave(&mut self, ticket: Ticket) -> bool {
        self.queue.remove(ticket)
    }

    /// Gives a free worker to whoever is next. `None` when no worker is free or nobody waits.
    pub fn next(&mut self, now: Duration) -> Option<Turn> {
        if self.running >= self.limits.workers {
            return None;
        }
        self.shed_all(now);
        let Waiter { ticket, since, .. } = self.queue.pop(now)?;
        self.running += 1;
        Some(Turn { ticket, waited: now.saturating_sub(since) })
    }

    /// One who was shed, in the order of shedding. `None` when everybody was taken note of.
    pub fn next_shed(&mut self) -> Option<Shed> {
        self.shed.pop_front()
    }

    fn shed_all(&mut self, now: Duration) {
        while let Some((waiter, reason)) = self.queue.shed(now) {
            self.note_shed(now, &waiter, reason);
        }
    }

    fn note_shed(&mut self, now: Duration, waiter: &Waiter, reason: Reason) {
        let waited = now.saturating_sub(waiter.since);
        self.shed.push_back(Shed { ticket: waiter.ticket, waited, reason });
    }

    /// Other limits from now on. Who runs or waits beyond lowered limits may stay.
    pub const fn set_limits(&mut self, limits: PoolLimits) {
        self.limits = limits;
    }

    /// The limits.
    pub const fn limits(&self) -> PoolLimits {
        self.limits
    }

    /// So many run; for who counts them elsewhere while nobody waits.
    pub(in crate::backpressure) const fn set_running(&mut self, running: usize) {
        self.running = running;
    }

    /// How many run.
    pub const fn running(&self) -> usize {
        self.running
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The queue.
    pub const fn queue(&self) -> &D {
        &self.queue
    }
}

impl Pool<Queue> {
    /// Who waits in a plain queue came just now, for who did not look at the clock before.
    pub(super) fn restart_waits(&mut self, now: Duration) {
        if let Queue::Fifo(fifo) = &mut self.queue {
            fifo.restart_waits(now);
        }
    }
}

#[cfg(test)]
mod tests;

#[cfg(test)]
mod disciplines;
