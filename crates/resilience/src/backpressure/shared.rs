//! The one pool behind all services of a layer, with the wakers of those who wait.
//!
//! A turn is given under the lock: the waiter's slot becomes [`Slot::Granted`], and from that moment the
//! worker is the waiter's, polled or not. So a newcomer cannot slip in between, and a waiter that is
//! dropped before it looked knows that it has a worker to pass on. Wakers are called and dropped after the
//! lock is released, because they may run anything, this module included.
//!
//! As long as nobody waits, nothing stands before the queue and nobody watches, taking and freeing a worker is
//! no more than counting, and is done without the lock ([`Places`]). Whoever takes the lock closes that count
//! and tells the pool; when the lock is released it is opened again, if things are that simple.

mod waiter;

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;
use std::time::Duration;

use super::future::Line;
use super::pace::Pace;
use super::policy::{Arrival, Pool, PoolLimits, Queue, Row, Terms, Ticket};
use super::strategy::{Front, PoolConfig};
use super::terms::CallTerms;
use crate::clock::Clock;
use crate::observer::Observer;
use crate::places::Places;
use crate::refusal::{Reason, Refusal};

pub(super) use waiter::{Waiter, Worker};

pub(super) struct Shared {
    /// Who runs, while that is counted here.
    running: Places,
    state: Mutex<State>,
    clock: Clock,
    retry_after: Duration,
    observer: Option<Box<dyn Observer>>,
}

struct State {
    pool: Pool<Queue>,
    /// Whether the pool's count of who runs is the right one.
    pool_counts: bool,
    front: Front,
    /// Whether it matters how long somebody waits: to whoever watches, or what stands before the queue, or the
    /// queue itself.
    is_timed: bool,
    /// One slot per [`Waiter`]: bounded by the queue's limit plus those who were given a worker or a refusal
    /// and did not look yet.
    slots: Row<Slot>,
}

enum Slot {
    /// In the queue; to be woken here, once it was polled.
    Waiting(Option<Waker>),
    /// It has a worker and does not know it yet.
    Granted,
    /// It will not get one and does not know it yet.
    Shed(Refusal),
}

/// The state while its pool counts.
struct Locked<'a> {
    shared: &'a Shared,
    state: MutexGuard<'a, State>,
}

impl Deref for Locked<'_> {
    type Target = State;

    fn deref(&self) -> &State {
        &self.state
    }
}

impl DerefMut for Locked<'_> {
    fn deref_mut(&mut self) -> &mut State {
        &mut self.state
    }
}

impl Drop for Locked<'_> {
    fn drop(&mut self) {
        let Self { shared, state } = self;
        if shared.observer.is_none() && matches!(state.front, Front::Open) && state.pool.waiting() == 0 {
            state.pool_counts = false;
            shared.running.open(state.pool.running(), state.pool.limits().workers);
        }
    }
}

/// Wakers to be called without the lock: mostly one.
#[derive(Default)]
struct Wakers {
    first: Option<Waker>,
    others: Vec<Waker>,
}

impl Wakers {
    fn push(&mut self, waker: Waker) {
        if self.first.is_none() {
            self.first = Some(waker);
        } else {
            self.others.push(waker);
        }
    }

    fn wake(self) {
        self.first.into_iter().chain(self.others).for_each(Waker::wake);
    }
}

impl State {
    /// What has become of a waiter. Its waker is to be called without the lock.
    fn tell(&mut self, ticket: Ticket, news: Slot, wakers: &mut Wakers) {
        let slot = self.slots.get_mut(ticket).expect("a waiter has a slot until it is done");
        if let Slot::Waiting(Some(waker)) = std::mem::replace(slot, news) {
            wakers.push(waker);
        }
    }
}

/// What a call finds when it arrives.
pub(super) enum Entry {
    Run(Worker),
    Wait(Line),
    Refuse(Refusal),
}

impl Shared {
    pub(super) fn new(config: PoolConfig, observer: impl Observer + 'static) -> Arc<Self> {
        let PoolConfig { limits, queue, front, retry_after } = config;
        let is_timed = observer.is_watching() || !matches!((&queue, &front), (Queue::Fifo(_), Front::Open));
        let pool = Pool::new(limits, queue);
        let state = State { pool, pool_counts: false, front, is_timed, slots: Row::default() };
        let shared = Self {
            running: Places::new(0),
            state: Mutex::new(state),
            clock: Clock::default(),
            retry_after,
            observer: observer.is_watching().then(|| Box::new(observer) as Box<dyn Observer>),
        };
        drop(shared.lock());
        Arc::new(shared)
    }

    /// Pool and slots agree after every method here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock_state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> Locked<'_> {
        let mut state = self.lock_state();
        if !state.pool_counts {
            state.pool.set_running(self.running.close());
            state.pool_counts = true;
        }
        Locked { shared: self, state }
    }

    /// The time, where anybody wants to know it. Asked under the lock, so that the pool sees it in order.
    fn now(&self, state: &State) -> Duration {
        if state.is_timed { self.clock.now() } else { Duration::ZERO }
    }

    fn report(&self, report: impl FnOnce(&dyn Observer)) {
        if let Some(observer) = &self.observer {
            report(&**observer);
        }
    }

    /// A call's terms on this pool's clock.
    pub(super) fn terms(&self, terms: CallTerms) -> Terms {
        Terms { deadline: terms.deadline.map(|at| self.clock.at(at)), priority: terms.priority }
    }

    #[inline]
    pub(super) fn enter(self: &Arc<Self>, terms: Terms) -> Entry {
        if self.running.try_take() {
            return Entry::Run(Worker::new(Arc::clone(self)));
        }
        self.enter_locked(terms)
    }

    // Apart, so that what most calls need stays small.
    #[inline(never)]
    fn enter_locked(self: &Arc<Self>, terms: Terms) -> Entry {
        let mut state = self.lock();
        let now = self.now(&state);
        let refusal = match &mut state.front {
            Front::Open | Front::Credits(_) => None,
            Front::Tokens(bucket) => bucket.admit(now).err(),
            Front::Leaky(bucket) => match bucket.pour(now) {
                Ok(delay) if delay.is_zero() => None,
                Ok(delay) => return Entry::Wait(Line::Pacing(Pace::new(Arc::clone(self), delay, terms))),
                Err(refusal) => Some(refusal),
            },
        };
        if let Some(refusal) = refusal {
            self.report(|observer| observer.refused(refusal.reason));
            return Entry::Refuse(refusal);
        }
        self.enter_pool(state, now, terms)
    }

    /// What was held up at the front comes to the pool.
    pub(super) fn enter_behind_front(self: &Arc<Self>, terms: Terms) -> Entry {
        let state = self.lock();
        let now = self.now(&state);
        self.enter_pool(state, now, terms)
    }

    fn enter_pool(self: &Arc<Self>, mut state: Locked<'_>, now: Duration, terms: Terms) -> Entry {
        let mut wakers = Wakers::default();
        let arrival = state.pool.arrive_with(now, terms);
        self.refuse_shed(&mut state, &mut wakers);
        let entry = match arrival {
            Arrival::Run => {
                self.report(|observer| observer.in_flight(state.pool.running()));
                self.report_wait(&state, Duration::ZERO);
                Entry::Run(Worker::new(Arc::clone(self)))
            }
            Arrival::Wait(ticket) => {
                state.slots.push(ticket, Slot::Waiting(None));
                self.report(|observer| observer.queue_depth(state.pool.waiting()));
                Entry::Wait(Line::Waiting(Waiter::new(Arc::clone(self), ticket)))
            }
            Arrival::Refuse => {
                self.report(|observer| observer.refused(Reason::QueueFull));
                Entry::Refuse(self.refusal(Reason::QueueFull))
            }
        };
        drop(state);
        wakers.wake();
        entry
    }

    /// A worker, if one is free now and nobody waits for it.
    pub(super) fn try_enter(self: &Arc<Self>) -> Option<Worker> {
        if self.running.try_take() {
            return Some(Worker::new(Arc::clone(self)));
        }
        let mut state = self.lock();
        if state.pool.waiting() > 0 || state.pool.running() >= state.pool.limits().workers {
            return None;
        }
        let now = self.now(&state);
        let arrival = state.pool.arrive(now);
        assert_eq!(arrival, Arrival::Run, "a worker is free and nobody waits");
        self.report(|observer| observer.in_flight(state.pool.running()));
        Some(Worker::new(Arc::clone(self)))
    }

    /// A worker is free: it goes to whoever is next.
    #[inline]
    fn finish(&self) {
        if self.running.try_give_back() {
            return;
        }
        self.finish_locked();
    }

    #[inline(never)]
    fn finish_locked(&self) {
        let mut state = self.lock();
        state.pool.finish();
        let wakers = self.give_turns(&mut state);
        self.report(|observer| observer.in_flight(state.pool.running()));
        drop(state);
        wakers.wake();
    }

    /// Hands free workers to waiters; the wakers are to be called without the lock.
    fn give_turns(&self, state: &mut State) -> Wakers {
        let mut wakers = Wakers::default();
        if state.pool.waiting() == 0 {
            return wakers;
        }
        let now = self.now(state);
        while let Some(turn) = state.pool.next(now) {
            state.tell(turn.ticket, Slot::Granted, &mut wakers);
            self.report(|observer| observer.queue_depth(state.pool.waiting()));
            self.report_wait(state, turn.waited);
        }
        self.refuse_shed(state, &mut wakers);
        wakers
    }

    /// Tells those who were shed; the wakers are to be called without the lock.
    fn refuse_shed(&self, state: &mut State, wakers: &mut Wakers) {
        let mut is_any = false;
        while let Some(shed) = state.pool.next_shed() {
            state.tell(shed.ticket, Slot::Shed(self.refusal(shed.reason)), wakers);
            self.report(|observer| observer.refused(shed.reason));
            // Who waited in vain waited too: a gate that hears only of those who were served hears of an
            // overload that sheds them all as of none.
            if let Front::Credits(gate) = &state.front {
                gate.note_wait(shed.waited);
            }
            is_any = true;
        }
        if is_any {
            self.report(|observer| observer.queue_depth(state.pool.waiting()));
        }
    }

    /// Other limits from now on.
    pub(super) fn set_limits(&self, limits: PoolLimits) {
        let mut state = self.lock();
        let before = state.pool.running();
        state.pool.set_limits(limits);
        let wakers = self.give_turns(&mut state);
        if state.pool.running() != before {
            self.report(|observer| observer.in_flight(state.pool.running()));
        }
        drop(state);
        wakers.wake();
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
        if !state.is_timed && !matches!(front, Front::Open) {
            state.is_timed = true;
            // Who waits already came at no time; from here on it came just now.
            let now = self.clock.now();
            state.pool.restart_waits(now);
        }
        let now = self.now(&state);
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
        self.report(|observer| observer.waited(wait));
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
