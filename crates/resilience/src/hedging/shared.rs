//! What all services of a layer share: the policy with its budget, the counts, and who watches.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use super::observer::{Attempt, HedgeObserver};
use super::policy::{HedgeLimits, Hedging};
use crate::clock::Clock;

pub(super) struct Shared {
    state: Mutex<State>,
    clock: Clock,
    observer: Box<dyn HedgeObserver>,
}

struct State {
    hedging: Hedging,
    calls: u64,
    hedged: u64,
}

impl Shared {
    pub(super) fn new(limits: HedgeLimits, observer: Box<dyn HedgeObserver>) -> Arc<Self> {
        let state = State { hedging: Hedging::new(limits), calls: 0, hedged: 0 };
        Arc::new(Self { state: Mutex::new(state), clock: Clock::default(), observer })
    }

    /// The state is whole after every statement here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A call that may be hedged begins; when it is late.
    pub(super) fn begin(&self) -> Option<Duration> {
        let mut state = self.lock();
        state.calls += 1;
        state.hedging.begin(self.clock.now())
    }

    /// A call is late after so long; whether it is hedged.
    pub(super) fn hedge(&self, after: Duration) -> bool {
        let mut state = self.lock();
        let hedged = state.hedging.hedge(self.clock.now());
        if hedged {
            state.hedged += 1;
            self.observer.hedged(after);
        } else {
            self.observer.denied();
        }
        hedged
    }

    /// A call has succeeded after so long; `won` says by which attempt, if it was hedged.
    pub(super) fn succeeded(&self, latency: Duration, won: Option<Attempt>) {
        let mut state = self.lock();
        state.hedging.succeeded(latency);
        if let Some(attempt) = won {
            self.observer.won(attempt);
        }
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let mut f = f.debug_struct("Shared");
        f.field("limits", state.hedging.limits()).field("calls", &state.calls);
        f.field("hedged", &state.hedged).finish_non_exhaustive()
    }
}

/// Reads and changes a layer's limits while it is at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct HedgeHandle {
    shared: Arc<Shared>,
}

impl HedgeHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Calls so far that might have been hedged.
    #[must_use]
    pub fn calls(&self) -> u64 {
        self.shared.lock().calls
    }

    /// Calls so far that were hedged.
    #[must_use]
    pub fn hedged(&self) -> u64 {
        self.shared.lock().hedged
    }

    /// After which time a call is late now; `None` when nobody knows yet.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        self.shared.lock().hedging.delay()
    }

    /// How many hedges the budget has right now.
    #[must_use]
    pub fn available(&self) -> u64 {
        let mut state = self.shared.lock();
        state.hedging.available(self.shared.clock.now())
    }

    /// The limits as they stand now.
    #[must_use]
    pub fn limits(&self) -> HedgeLimits {
        *self.shared.lock().hedging.limits()
    }

    /// Other limits from now on. Calls under way keep the delay that they began with.
    pub fn set_limits(&self, limits: HedgeLimits) {
        let mut state = self.shared.lock();
        state.hedging.set_limits(self.shared.clock.now(), limits);
    }
}
