//! What all services of a layer share: the policy with its budget, the source of chance, and who watches.
//!
//! All that a call has to do with the budget, if all is well, is to earn its share of a retry; and the budget reckons
//! in slots of time. So as long as a slot lasts and nobody watches, calls are only counted, and whoever takes the lock
//! first pays in for all of them.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::hooks::Trail;
use super::observer::RetryObserver;
use super::policy::{Decision, GiveUp, Retries, RetryLimits};
use crate::budget::Withdrawal;
use crate::class::Class;
use crate::clock::Clock;
use crate::randomness::Randomness;

pub(super) struct Shared {
    /// Calls that were begun, and until when (exclusively) counting them is enough. Never, if somebody watches.
    begun: AtomicU64,
    counted_until_ns: AtomicU64,
    state: Mutex<State>,
    clock: Clock,
    observer: Option<Box<dyn RetryObserver>>,
}

struct State {
    retries: Retries,
    randomness: Box<dyn Randomness>,
    /// As many as there are [`Pause`] values.
    pausing: usize,
    /// Attempts after the first.
    repeated: u64,
    /// As many of those that were begun are paid in.
    paid_in: u64,
}

/// What becomes of a result.
pub(super) enum Next {
    HandOut(Option<GiveUp>),
    TryAgain { after: Duration, pause: Pause },
}

impl Shared {
    pub(super) fn new(
        limits: RetryLimits,
        randomness: Box<dyn Randomness>,
        observer: impl RetryObserver + 'static,
    ) -> Arc<Self> {
        let observer = observer.is_watching().then(|| Box::new(observer) as Box<dyn RetryObserver>);
        let state = State { retries: Retries::new(limits), randomness, pausing: 0, repeated: 0, paid_in: 0 };
        let (begun, counted_until_ns) = (AtomicU64::new(0), AtomicU64::new(0));
        let (state, clock) = (Mutex::new(state), Clock::default());
        Arc::new(Self { begun, counted_until_ns, state, clock, observer })
    }

    /// The state is whole after every statement here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        // Before anything else, so that it is paid into the slot of time in which it was earned.
        let begun = self.begun.load(Ordering::Acquire);
        let calls = begun - std::mem::replace(&mut state.paid_in, begun);
        state.retries.begin_late(calls);
        state
    }

    fn publish(&self, state: &State) {
        let until_ns = if self.observer.is_some() { 0 } else { state.retries.settled_until_ns() };
        self.counted_until_ns.store(u64::try_from(until_ns).unwrap_or(u64::MAX), Ordering::Release);
    }

    /// Under the lock, so that reports come in order.
    fn report(&self, _state: &State, report: impl FnOnce(&dyn RetryObserver)) {
        if let Some(observer) = &self.observer {
            report(&**observer);
        }
    }

    #[inline]
    pub(super) fn begin(&self) {
        if self.clock.now().as_nanos() < u128::from(self.counted_until_ns.load(Ordering::Acquire)) {
            self.begun.fetch_add(1, Ordering::AcqRel);
            return;
        }
        self.begin_locked();
    }

    #[inline(never)]
    fn begin_locked(&self) {
        let mut state = self.lock();
        state.retries.begin(self.clock.now());
        // It is paid in already. Others may have been counted since; they are not.
        self.begun.fetch_add(1, Ordering::AcqRel);
        state.paid_in += 1;
        self.publish(&state);
        self.report(&state, |observer| observer.attempt(1));
    }

    pub(super) fn decide(
        self: &Arc<Self>,
        attempt: u32,
        class: Class,
        remaining: impl FnOnce() -> Option<Duration>,
    ) -> Next {
        if matches!(class, Class::Success) {
            // What the policy says to it as well, without being asked.
            return Next::HandOut(None);
        }
        self.decide_locked(attempt, class, remaining())
    }

    #[inline(never)]
    fn decide_locked(self: &Arc<Self>, attempt: u32, class: Class, remaining: Option<Duration>) -> Next {
        let mut state = self.lock();
        let State { retries, randomness, .. } = &mut *state;
        match retries.decide(self.clock.now(), attempt, class, remaining, || randomness.unit()) {
            Decision::Done => Next::HandOut(None),
            Decision::GiveUp(reason) => Next::HandOut(Some(reason)),
            Decision::Retry { after, paid } => {
                state.pausing += 1;
                self.report(&state, |observer| {
                    observer.retry(class, after);
                    observer.pausing(state.pausing);
                });
                Next::TryAgain { after, pause: Pause { shared: Arc::clone(self), paid: Some(paid) } }
            }
        }
    }

    #[inline]
    pub(super) fn concluded(&self, trail: Trail) {
        if self.observer.is_some() {
            self.report_concluded(trail);
        }
    }

    // Apart, as everything is that most calls do not need, so that what they need stays small.
    #[inline(never)]
    fn report_concluded(&self, trail: Trail) {
        self.report(&self.lock(), |observer| observer.concluded(trail));
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let mut f = f.debug_struct("Shared");
        f.field("retries", &state.retries).field("pausing", &state.pausing).finish_non_exhaustive()
    }
}

/// A retry that is paid for and not begun. Dropping it gives back what it would have cost.
#[derive(Debug)]
pub(super) struct Pause {
    shared: Arc<Shared>,
    /// `None` once it was begun.
    paid: Option<Withdrawal>,
}

impl Pause {
    /// The retry begins, as attempt number `attempt`.
    pub(super) fn end(mut self, attempt: u32) {
        self.paid = None;
        let mut state = self.shared.lock();
        state.repeated += 1;
        self.shared.report(&state, |observer| observer.attempt(attempt));
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(paid) = self.paid.take() {
            state.retries.put_back(self.shared.clock.now(), paid);
        }
        state.pausing -= 1;
        self.shared.report(&state, |observer| observer.pausing(state.pausing));
    }
}

/// Reads and changes a layer's limits while it is at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct RetryHandle {
    shared: Arc<Shared>,
}

impl RetryHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// How many retries the budget has right now.
    #[must_use]
    pub fn available(&self) -> u64 {
        let mut state = self.shared.lock();
        state.retries.available(self.shared.clock.now())
    }

    /// Calls that pause before another attempt now.
    #[must_use]
    pub fn pausing(&self) -> usize {
        self.shared.lock().pausing
    }

    /// Attempts that were begun so far, first ones included.
    #[must_use]
    pub fn attempts(&self) -> u64 {
        let state = self.shared.lock();
        state.paid_in + state.repeated
    }

    /// The limits as they stand now.
    #[must_use]
    pub fn limits(&self) -> RetryLimits {
        *self.shared.lock().retries.limits()
    }

    /// Other limits from now on, also for calls under way. What was earned and spent stays.
    pub fn set_limits(&self, limits: RetryLimits) {
        let mut state = self.shared.lock();
        state.retries.set_limits(self.shared.clock.now(), limits);
        self.shared.publish(&state);
    }
}
