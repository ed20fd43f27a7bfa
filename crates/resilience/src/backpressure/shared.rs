//! The one pool behind all services of a layer, with the wakers of those who wait.
//!
//! A turn is given under the lock: the waiter's slot becomes [`Slot::Granted`], and from that moment the
//! worker is the waiter's, polled or not. So a newcomer cannot slip in between, and a waiter that is
//! dropped before it looked knows that it has a worker to pass on. Wakers are called and dropped after the
//! lock is released, because they may run anything, this module included.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use super::policy::{Arrival, Fifo, Pool, PoolLimits, Ticket};
use crate::clock::Clock;
use crate::observer::Observer;
use crate::refusal::{Reason, Refusal};

pub(super) struct Shared {
    state: Mutex<State>,
    clock: Clock,
    retry_after: Duration,
    observer: Box<dyn Observer>,
}

struct State {
    pool: Pool<Fifo>,
    /// One slot per [`Waiter`]: bounded by the queue's limit plus the workers just handed over.
    slots: BTreeMap<Ticket, Slot>,
}

enum Slot {
    /// In the queue; to be woken here, once it was polled.
    Waiting(Option<Waker>),
    /// It has a worker and does not know it yet.
    Granted,
}

/// What a call finds when it arrives.
pub(super) enum Entry {
    Run(Worker),
    Wait(Waiter),
    Refuse(Refusal),
}

impl Shared {
    pub(super) fn new(limits: PoolLimits, retry_after: Duration, observer: Box<dyn Observer>) -> Arc<Self> {
        let state = State { pool: Pool::new(limits, Fifo::default()), slots: BTreeMap::new() };
        Arc::new(Self { state: Mutex::new(state), clock: Clock::default(), retry_after, observer })
    }

    /// Pool and slots agree after every method here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn enter(self: &Arc<Self>) -> Entry {
        let mut state = self.lock();
        let now = self.clock.now();
        match state.pool.arrive(now) {
            Arrival::Run => {
                self.observer.in_flight(state.pool.running());
                self.observer.waited(Duration::ZERO);
                Entry::Run(Worker { shared: Arc::clone(self) })
            }
            Arrival::Wait(ticket) => {
                state.slots.insert(ticket, Slot::Waiting(None));
                self.observer.queue_depth(state.pool.waiting());
                Entry::Wait(Waiter { shared: Arc::clone(self), ticket: Some(ticket) })
            }
            Arrival::Refuse => {
                self.observer.refused(Reason::QueueFull);
                Entry::Refuse(Refusal { reason: Reason::QueueFull, retry_after: self.retry_after })
            }
        }
    }

    /// A worker is free: it goes to whoever is next.
    fn finish(&self) {
        let mut state = self.lock();
        state.pool.finish();
        let wakers = self.give_turns(&mut state);
        self.observer.in_flight(state.pool.running());
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    /// Hands free workers to waiters; the wakers are to be called without the lock.
    fn give_turns(&self, state: &mut State) -> Vec<Waker> {
        let mut wakers = Vec::new();
        if state.pool.waiting() == 0 {
            return wakers;
        }
        let now = self.clock.now();
        while let Some(turn) = state.pool.next(now) {
            if let Some(Slot::Waiting(Some(waker))) = state.slots.insert(turn.ticket, Slot::Granted) {
                wakers.push(waker);
            }
            self.observer.queue_depth(state.pool.waiting());
            self.observer.waited(turn.waited);
        }
        wakers
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let mut f = f.debug_struct("Shared");
        f.field("limits", &state.pool.limits());
        f.field("running", &state.pool.running()).field("waiting", &state.pool.waiting());
        f.finish_non_exhaustive()
    }
}

/// The right to run. Dropping it hands the worker on.
#[derive(Debug)]
pub(super) struct Worker {
    shared: Arc<Shared>,
}

impl Drop for Worker {
    fn drop(&mut self) {
        self.shared.finish();
    }
}

/// A place in the queue. Dropping it leaves the queue, or hands on the worker that it was given meanwhile.
#[derive(Debug)]
pub(super) struct Waiter {
    shared: Arc<Shared>,
    /// `None` once the worker was taken.
    ticket: Option<Ticket>,
}

impl Waiter {
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Worker> {
        let ticket = self.ticket.expect("not polled again after its turn");
        let mut state = self.shared.lock();
        match state.slots.get_mut(&ticket).expect("a waiter has a slot until it is done") {
            Slot::Waiting(Some(waker)) if waker.will_wake(cx.waker()) => Poll::Pending,
            Slot::Waiting(waker) => {
                let before = waker.replace(cx.waker().clone());
                drop(state);
                drop(before);
                Poll::Pending
            }
            Slot::Granted => {
                state.slots.remove(&ticket);
                self.ticket = None;
                Poll::Ready(Worker { shared: Arc::clone(&self.shared) })
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut state = self.shared.lock();
        let slot = state.slots.remove(&ticket);
        if matches!(slot, Some(Slot::Granted)) {
            drop(state);
            self.shared.finish();
        } else {
            state.pool.leave(ticket);
            self.shared.observer.queue_depth(state.pool.waiting());
            drop(state);
        }
        drop(slot);
    }
}

/// Reads and changes a pool's limits while it is at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WorkerPoolHandle {
    shared: Arc<Shared>,
}

impl WorkerPoolHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Calls that have a worker now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.lock().pool.running()
    }

    /// Calls that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.lock().pool.waiting()
    }

    /// The limits as they stand now.
    #[must_use]
    pub fn limits(&self) -> PoolLimits {
        self.shared.lock().pool.limits()
    }

    /// Other limits from now on. More workers take up waiters at once; fewer interrupt nothing.
    pub fn set_limits(&self, limits: PoolLimits) {
        let mut state = self.shared.lock();
        let before = state.pool.running();
        state.pool.set_limits(limits);
        let wakers = self.shared.give_turns(&mut state);
        if state.pool.running() != before {
            self.shared.observer.in_flight(state.pool.running());
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }
}
