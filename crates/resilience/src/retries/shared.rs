//! What all services of a layer share: the policy with its budget, the source of chance, and who watches.

use std::fmt;
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
    state: Mutex<State>,
    clock: Clock,
    observer: Box<dyn RetryObserver>,
}

struct State {
    retries: Retries,
    randomness: Box<dyn Randomness>,
    /// As many as there are [`Pause`] values.
    pausing: usize,
    attempts: u64,
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
        observer: Box<dyn RetryObserver>,
    ) -> Arc<Self> {
        let state = State { retries: Retries::new(limits), randomness, pausing: 0, attempts: 0 };
        Arc::new(Self { state: Mutex::new(state), clock: Clock::default(), observer })
    }

    /// The state is whole after every statement here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn begin(&self) {
        let mut state = self.lock();
        state.retries.begin(self.clock.now());
        state.attempts += 1;
        self.observer.attempt(1);
    }

    pub(super) fn decide(self: &Arc<Self>, attempt: u32, class: Class, remaining: Option<Duration>) -> Next {
        let mut state = self.lock();
        let State { retries, randomness, .. } = &mut *state;
        match retries.decide(self.clock.now(), attempt, class, remaining, || randomness.unit()) {
            Decision::Done => Next::HandOut(None),
            Decision::GiveUp(reason) => Next::HandOut(Some(reason)),
            Decision::Retry { after, paid } => {
                state.pausing += 1;
                self.observer.retry(class, after);
                self.observer.pausing(state.pausing);
                Next::TryAgain { after, pause: Pause { shared: Arc::clone(self), paid: Some(paid) } }
            }
        }
    }

    pub(super) fn concluded(&self, trail: Trail) {
        // Under the lock like everything else that is reported, so that it comes in order.
        let _state = self.lock();
        self.observer.concluded(trail);
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
        state.attempts += 1;
        self.shared.observer.attempt(attempt);
    }
}

impl Drop for Pause {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        if let Some(paid) = self.paid.take() {
            state.retries.put_back(self.shared.clock.now(), paid);
        }
        state.pausing -= 1;
        self.shared.observer.pausing(state.pausing);
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
        self.shared.lock().attempts
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
    }
}
