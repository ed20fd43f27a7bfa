//! The one state behind all services of a layer: the policy, the count, and who watches.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::policy::Limiter;
use crate::clock::Clock;
use crate::observer::Observer;
use crate::refusal::Refusal;

pub(super) struct Shared {
    state: Mutex<State>,
    clock: Clock,
    observer: Box<dyn Observer>,
}

struct State {
    limiter: Limiter,
    /// Calls that hold a permit: as many as there are [`Permit`] values.
    in_flight: usize,
}

impl Shared {
    pub(super) fn new(limiter: Limiter, observer: Box<dyn Observer>) -> Arc<Self> {
        let state = Mutex::new(State { limiter, in_flight: 0 });
        Arc::new(Self { state, clock: Clock::default(), observer })
    }

    /// The state is whole after every statement here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn admit(self: &Arc<Self>) -> Result<Permit, Refusal> {
        let mut state = self.lock();
        // Read under the lock, so that the policy sees time in order.
        let now = self.clock.now();
        let in_flight = state.in_flight;
        match state.limiter.admit(now, in_flight) {
            Ok(()) => {
                state.in_flight += 1;
                self.observer.in_flight(state.in_flight);
                Ok(Permit { shared: Arc::clone(self) })
            }
            Err(refusal) => {
                self.observer.refused(refusal.reason);
                Err(refusal)
            }
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let mut f = f.debug_struct("Shared");
        f.field("limiter", &state.limiter).field("in_flight", &state.in_flight).finish_non_exhaustive()
    }
}

/// One call's place inside. Dropping it gives the place back.
#[derive(Debug)]
pub(super) struct Permit {
    shared: Arc<Shared>,
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.in_flight -= 1;
        self.shared.observer.in_flight(state.in_flight);
    }
}

/// Reads and changes a layer's limits while it is at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct AdmissionHandle {
    shared: Arc<Shared>,
}

impl AdmissionHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Calls that are inside now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.lock().in_flight
    }

    /// The rule as it stands now.
    #[must_use]
    pub fn limiter(&self) -> Limiter {
        self.shared.lock().limiter.clone()
    }

    /// Decides by another rule from now on. Calls that are inside stay and count; a token bucket that
    /// replaces another keeps its tokens.
    pub fn set_limiter(&self, next: Limiter) {
        let mut state = self.shared.lock();
        let now = self.shared.clock.now();
        state.limiter.change(now, next);
    }
}
