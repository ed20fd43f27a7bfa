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

use super::pace::Pace;
use super::policy::{Arrival, Pool, PoolLimits, Queue, Terms, Ticket};
use super::strategy::{Front, PoolConfig};
use super::terms::CallTerms;
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
    pool: Pool<Queue>,
    front: Front,
    /// One slot per [`Waiter`]: bounded by the queue's limit plus those who were given a worker or a refusal
    /// and did not look yet.
    slots: BTreeMap<Ticket, Slot>,
}

enum Slot {
    /// In the queue; to be woken here, once it was polled.
    Waiting(Option<Waker>),
    /// It has a worker and does not know it yet.
    Granted,
    /// It will not get one and does not know it yet.
    Shed(Refusal),
}

/// What a call finds when it arrives.
pub(super) enum Entry {
    Run(Worker),
    Wait(Waiter),
    Pace(Pace),
    Refuse(Refusal),
}

impl Shared {
    pub(super) fn new(config: PoolConfig, observer: Box<dyn Observer>) -> Arc<Self> {
        let PoolConfig { limits, queue, front, retry_after } = config;
        let state = State { pool: Pool::new(limits, queue), front, slots: BTreeMap::new() };
        Arc::new(Self { state: Mutex::new(state), clock: Clock::default(), retry_after, observer })
    }

    /// Pool and slots agree after every method here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call's terms on this pool's clock.
    pub(super) fn terms(&self, terms: CallTerms) -> Terms {
        Terms { deadline: terms.deadline.map(|at| self.clock.at(at)), priority: terms.priority }
    }

    pub(super) fn enter(self: &Arc<Self>, terms: Terms) -> Entry {
        let mut state = self.lock();
        let now = self.clock.now();
        let refusal = match &mut state.front {
            Front::Open | Front::Credits(_) => None,
            Front::Tokens(bucket) => bucket.admit(now).err(),
            Front::Leaky(bucket) => match bucket.pour(now) {
                Ok(delay) if delay.is_zero() => None,
                Ok(delay) => return Entry::Pace(Pace::new(Arc::clone(self), delay, terms)),
                Err(refusal) => Some(refusal),
            },
        };
        if let Some(refusal) = refusal {
            self.observer.refused(refusal.reason);
            return Entry::Refuse(refusal);
        }
        self.enter_pool(state, now, terms)
    }

    /// What was held up at the front comes to the pool.
    pub(super) fn enter_behind_front(self: &Arc<Self>, terms: Terms) -> Entry {
        let state = self.lock();
        let now = self.clock.now();
        self.enter_pool(state, now, terms)
    }

    fn enter_pool(self: &Arc<Self>, mut state: MutexGuard<'_, State>, now: Duration, terms: Terms) -> Entry {
        let mut wakers = Vec::new();
        let arrival = state.pool.arrive_with(now, terms);
        self.refuse_shed(&mut state, &mut wakers);
        let entry = match arrival {
            Arrival::Run => {
                self.observer.in_flight(state.pool.running());
                self.report_wait(&state, Duration::ZERO);
                Entry::Run(Worker { shared: Arc::clone(self) })
            }
            Arrival::Wait(ticket) => {
                state.slots.insert(ticket, Slot::Waiting(None));
                self.observer.queue_depth(state.pool.waiting());
                Entry::Wait(Waiter { shared: Arc::clone(self), ticket: Some(ticket) })
            }
            Arrival::Refuse => {
                self.observer.refused(Reason::QueueFull);
                Entry::Refuse(self.refusal(Reason::QueueFull))
            }
        };
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
        entry
    }

    /// A worker, if one is free now and nobody waits for it.
    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Worker> {
        let mut state = self.lock();
        if state.pool.waiting() > 0 || state.pool.running() >= state.pool.limits().workers {
            return None;
        }
        let now = self.clock.now();
        let arrival = state.pool.arrive(now);
        assert_eq!(arrival, Arrival::Run, "a worker is free and nobody waits");
        self.observer.in_flight(state.pool.running());
        Some(Worker { shared: Arc::clone(self) })
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
            self.report_wait(state, turn.waited);
        }
        self.refuse_shed(state, &mut wakers);
        wakers
    }

    /// Tells those who were shed; the wakers are to be called without the lock.
    fn refuse_shed(&self, state: &mut State, wakers: &mut Vec<Waker>) {
        let mut is_any = false;
        while let Some(shed) = state.pool.next_shed() {
            let refusal = self.refusal(shed.reason);
            if let Some(Slot::Waiting(Some(waker))) = state.slots.insert(shed.ticket, Slot::Shed(refusal)) {
                wakers.push(waker);
            }
            self.observer.refused(shed.reason);
            // Who waited in vain waited too: a gate that hears only of those who were served hears of an
            // overload that sheds them all as of none.
            if let Front::Credits(gate) = &state.front {
                gate.note_wait(shed.waited);
            }
            is_any = true;
        }
        if is_any {
            self.observer.queue_depth(state.pool.waiting());
        }
    }

    /// Other limits from now on.
    pub(super) fn set_limits(&self, limits: PoolLimits) {
        let mut state = self.lock();
        let before = state.pool.running();
        state.pool.set_limits(limits);
        let wakers = self.give_turns(&mut state);
        if state.pool.running() != before {
            self.observer.in_flight(state.pool.running());
        }
        drop(state);
        wakers.into_iter().for_each(Waker::wake);
    }

    pub(super) fn running(&self) -> usize {
        self.lock().pool.running()
    }

    pub(super) fn waiting(&self) -> usize {
        self.lock().pool.waiting()
    }

    pub(super) fn limits(&self) -> PoolLimits {
        self.lock().pool.limits()
    }

    pub(super) fn is_overloaded(&self) -> Option<bool> {
        let state = self.lock();
        state.pool.queue().is_overloaded(self.clock.now())
    }

    pub(super) fn front(&self) -> Front {
        self.lock().front.clone()
    }

    pub(super) fn set_front(&self, front: Front) {
        let mut state = self.lock();
        let now = self.clock.now();
        let before = match (&mut state.front, front) {
            (Front::Tokens(bucket), Front::Tokens(next)) => {
                bucket.change(now, next.rate(), next.burst());
                None
            }
            (Front::Leaky(bucket), Front::Leaky(next)) => {
                bucket.change(now, next.rate(), next.depth());
                None
            }
            (this, next) => Some(std::mem::replace(this, next)),
        };
        drop(state);
        // A gate that goes away with this may wake others.
        drop(before);
    }

    fn report_wait(&self, state: &State, wait: Duration) {
        self.observer.waited(wait);
        if let Front::Credits(gate) = &state.front {
            gate.note_wait(wait);
        }
    }

    const fn refusal(&self, reason: Reason) -> Refusal {
        Refusal { reason, retry_after: self.retry_after }
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
    pub(super) fn poll_turn(&mut self, cx: &mut Context<'_>) -> Poll<Result<Worker, Refusal>> {
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
                Poll::Ready(Ok(Worker { shared: Arc::clone(&self.shared) }))
            }
            Slot::Shed(refusal) => {
                let refusal = *refusal;
                state.slots.remove(&ticket);
                self.ticket = None;
                Poll::Ready(Err(refusal))
            }
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let Some(ticket) = self.ticket.take() else { return };
        let mut state = self.shared.lock();
        let slot = state.slots.remove(&ticket);
        match slot {
            Some(Slot::Granted) => {
                drop(state);
                self.shared.finish();
            }
            // It was counted as refused when it was, and has nothing to give back.
            Some(Slot::Shed(_)) => drop(state),
            Some(Slot::Waiting(_)) | None => {
                state.pool.leave(ticket);
                self.shared.observer.queue_depth(state.pool.waiting());
                drop(state);
            }
        }
        drop(slot);
    }
}
