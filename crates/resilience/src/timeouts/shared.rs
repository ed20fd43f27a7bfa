//! What all services of a layer share: the limits, the counts, and who watches.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::observer::TimeoutObserver;
use super::policy::TimeLimits;

pub(super) struct Shared {
    state: Mutex<State>,
    observer: Box<dyn TimeoutObserver>,
}

struct State {
    limits: TimeLimits,
    /// As many as there are [`Waited`] values.
    in_flight: usize,
    expired: u64,
    timed_out: u64,
}

impl Shared {
    pub(super) fn new(limits: TimeLimits, observer: Box<dyn TimeoutObserver>) -> Arc<Self> {
        let state = State { limits, in_flight: 0, expired: 0, timed_out: 0 };
        Arc::new(Self { state: Mutex::new(state), observer })
    }

    /// The state is whole after every statement here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call comes; the limits are those of this moment, whatever becomes of them later.
    pub(super) fn begin(self: &Arc<Self>) -> (TimeLimits, Waited) {
        let mut state = self.lock();
        state.in_flight += 1;
        self.observer.in_flight(state.in_flight);
        let limits = state.limits;
        (limits, Waited { shared: Arc::clone(self), limits })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let mut f = f.debug_struct("Shared");
        f.field("limits", &state.limits).field("in_flight", &state.in_flight).finish_non_exhaustive()
    }
}

/// A call that is waited for. Dropping it says that it is not any more.
#[derive(Debug)]
pub(super) struct Waited {
    shared: Arc<Shared>,
    limits: TimeLimits,
}

impl Waited {
    pub(super) const fn limits(&self) -> &TimeLimits {
        &self.limits
    }

    pub(super) fn expired(&self) {
        let mut state = self.shared.lock();
        state.expired += 1;
        self.shared.observer.expired(self.limits.scope);
    }

    pub(super) fn timed_out(&self, after: Duration) {
        let mut state = self.shared.lock();
        state.timed_out += 1;
        self.shared.observer.timed_out(self.limits.scope, after);
    }
}

impl Drop for Waited {
    fn drop(&mut self) {
        let mut state = self.shared.lock();
        state.in_flight -= 1;
        self.shared.observer.in_flight(state.in_flight);
    }
}

/// Reads and changes a layer's limits while it is at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct TimeoutHandle {
    shared: Arc<Shared>,
}

impl TimeoutHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Calls that are waited for now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.lock().in_flight
    }

    /// Calls so far that were not begun, because there was no time left.
    #[must_use]
    pub fn expired(&self) -> u64 {
        self.shared.lock().expired
    }

    /// Calls so far that were begun and given up.
    #[must_use]
    pub fn timed_out(&self) -> u64 {
        self.shared.lock().timed_out
    }

    /// The limits as they stand now.
    #[must_use]
    pub fn limits(&self) -> TimeLimits {
        self.shared.lock().limits
    }

    /// Other limits, for calls that come from now on.
    pub fn set_limits(&self, limits: TimeLimits) {
        self.shared.lock().limits = limits;
    }
}
