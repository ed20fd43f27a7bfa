//! The one breaker behind all services of a layer.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::observer::BreakerObserver;
use super::policy::{Breaker, BreakerLimits, BreakerReading, BreakerState, InvalidBreaker, Pass, Transition};
use super::service::Health;
use crate::clock::Clock;
use crate::refusal::Refusal;

pub(super) struct Shared {
    breaker: Mutex<Breaker>,
    clock: Clock,
    observer: Box<dyn BreakerObserver>,
}

impl Shared {
    pub(super) fn new(
        limits: BreakerLimits,
        observer: Box<dyn BreakerObserver>,
    ) -> Result<Arc<Self>, InvalidBreaker> {
        let breaker = Mutex::new(Breaker::new(limits)?);
        Ok(Arc::new(Self { breaker, clock: Clock::default(), observer }))
    }

    /// The breaker is whole after every method of its own, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, Breaker> {
        self.breaker.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Does something to the breaker and reports what state that led to.
    fn change<T>(&self, change: impl FnOnce(&mut Breaker) -> T) -> T {
        let mut breaker = self.lock();
        let from = breaker.state();
        let outcome = change(&mut breaker);
        let to = breaker.state();
        if from != to {
            self.observer.transition(Transition { from, to });
        }
        outcome
    }

    pub(super) fn admit(self: &Arc<Self>) -> Result<Permit, Refusal> {
        // The time is read under the lock, so that the policy sees it in order.
        let admitted = self.change(|breaker| {
            let admitted = breaker.admit(self.clock.now());
            if let Err(refusal) = &admitted {
                self.observer.refused(*refusal);
            }
            admitted
        });
        admitted.map(|pass| Permit { shared: Arc::clone(self), pass: Some(pass) })
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared").field("breaker", &*self.lock()).finish_non_exhaustive()
    }
}

/// A call that was let through. Dropping it says nothing about the dependency and gives a probe's place back.
#[derive(Debug)]
pub(super) struct Permit {
    shared: Arc<Shared>,
    /// `None` once it was handed back.
    pass: Option<Pass>,
}

impl Permit {
    /// The call has ended.
    pub(super) fn finish(&mut self, health: Health) {
        let failed = match health {
            Health::Good => false,
            Health::Bad => true,
            Health::Unjudged => return,
        };
        let Some(pass) = self.pass.take() else { return };
        let shared = &self.shared;
        shared.change(|breaker| {
            if let Some(took) = breaker.finish(shared.clock.now(), &pass, failed) {
                shared.observer.judged(failed, took);
            }
        });
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        if let Some(pass) = self.pass.take() {
            self.shared.lock().cancel(&pass);
        }
    }
}

/// Reads and changes a breaker while it is at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct BreakerHandle {
    shared: Arc<Shared>,
}

impl BreakerHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// The state now.
    #[must_use]
    pub fn state(&self) -> BreakerState {
        self.shared.lock().state()
    }

    /// The state and what led to it.
    #[must_use]
    pub fn read(&self) -> BreakerReading {
        let mut breaker = self.shared.lock();
        breaker.read(self.shared.clock.now())
    }

    /// Refuses everything until [`BreakerHandle::resume`]. Calls under way go on and are not judged.
    pub fn force_open(&self) {
        self.shared.change(Breaker::force_open);
    }

    /// Lets everything through until [`BreakerHandle::resume`], and judges nothing.
    pub fn force_closed(&self) {
        self.shared.change(Breaker::force_closed);
    }

    /// Decides by itself again, beginning as closed. Does nothing unless it was forced.
    pub fn resume(&self) {
        self.shared.change(Breaker::resume);
    }

    /// The limits as they stand now.
    #[must_use]
    pub fn limits(&self) -> BreakerLimits {
        *self.shared.lock().limits()
    }

    /// Other limits from now on. A state that is on keeps the time it was given; another window begins empty.
    ///
    /// # Errors
    /// When the limits contradict themselves; then the old ones stay.
    pub fn set_limits(&self, limits: BreakerLimits) -> Result<(), InvalidBreaker> {
        self.shared.lock().set_limits(limits)
    }
}
