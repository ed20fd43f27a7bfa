//! Who works, who waits, who is refused: the pool as a pure state machine.
//!
//! [`Pool`] counts workers and asks a [`Discipline`] who is next. It holds tickets and no requests, and
//! wakes nobody: what a ticket stands for is the caller's business. After everything that may have made
//! room ([`Pool::finish`], [`Pool::set_limits`]) the caller takes [`Pool::next`] until there is none.

mod fifo;

use std::time::Duration;

pub use fifo::Fifo;

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

/// Somebody who waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Waiter {
    /// Its place.
    pub ticket: Ticket,
    /// When it came.
    pub since: Duration,
}

/// The order in which waiters get their turn: the one thing that differs between queues.
///
/// A discipline is a pure container: it never decides whether there is room (the pool does), only who
/// goes next. `now` is for those that look at how long somebody has waited.
pub trait Discipline {
    /// Takes a waiter in.
    fn push(&mut self, waiter: Waiter);

    /// Takes out whose turn it is; `None` only when nobody waits.
    fn pop(&mut self, now: Duration) -> Option<Waiter>;

    /// Takes out a waiter that gave up; false when it is not there.
    fn remove(&mut self, ticket: Ticket) -> bool;

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

/// The pool. See the module for how it is used.
#[derive(Clone, Debug)]
pub struct Pool<D = Fifo> {
    limits: PoolLimits,
    running: usize,
    queue: D,
    next_ticket: u64,
}

impl<D: Discipline> Pool<D> {
    /// An idle pool.
    pub const fn new(limits: PoolLimits, queue: D) -> Self {
        Self { limits, running: 0, queue, next_ticket: 0 }
    }

    /// A call arrives.
    pub fn arrive(&mut self, now: Duration) -> Arrival {
        // With somebody waiting there is no free worker, but a caller between `finish` and `next` might
        // find one: it belongs to the queue.
        if self.queue.is_empty() && self.running < self.limits.workers {
            self.running += 1;
            return Arrival::Run;
        }
        if self.queue.len() >= self.limits.queue {
            return Arrival::Refuse;
        }
        let ticket = Ticket(self.next_ticket);
        self.next_ticket += 1;
        self.queue.push(Waiter { ticket, since: now });
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
        let Waiter { ticket, since } = self.queue.pop(now)?;
        self.running += 1;
        Some(Turn { ticket, waited: now.saturating_sub(since) })
    }

    /// Other limits from now on. Who runs or waits beyond lowered limits may stay.
    pub const fn set_limits(&mut self, limits: PoolLimits) {
        self.limits = limits;
    }

    /// The limits.
    pub const fn limits(&self) -> PoolLimits {
        self.limits
    }

    /// How many run.
    pub const fn running(&self) -> usize {
        self.running
    }

    /// How many wait.
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }
}

#[cfg(test)]
mod tests;
