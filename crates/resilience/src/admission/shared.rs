//! The one state behind all services of a layer: the policy, the count, and who watches.
//!
//! A concurrency limit that nobody watches is decided on the count alone ([`Places`]). The lock is for
//! everything else: a bucket, a report (which has to come in order), a refusal, a change of rules. Whichever way,
//! the rule is asked with the very number that the step begins from, so the limit is exact.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::policy::{ConcurrencyLimit, Limiter, Quota};
use crate::clock::Clock;
use crate::observer::Observer;
use crate::places::Places;
use crate::refusal::Refusal;

pub(super) struct Shared {
    /// Calls that hold a permit: as many as there are [`Permit`] values. Nobody comes in unasked where the rule
    /// wants to know the time, or somebody watches.
    inside: Places,
    limiter: Mutex<Limiter>,
    clock: Clock,
    observer: Option<Box<dyn Observer>>,
}

impl Shared {
    pub(super) fn new(limiter: Limiter, observer: impl Observer + 'static) -> Arc<Self> {
        let shared = Self {
            inside: Places::new(0),
            limiter: Mutex::new(limiter),
            clock: Clock::default(),
            observer: observer.is_watching().then(|| Box::new(observer) as Box<dyn Observer>),
        };
        shared.publish(&shared.lock());
        Arc::new(shared)
    }

    /// The rule is whole after every statement here, so a panic elsewhere in a holder (an observer's) does no harm.
    fn lock(&self) -> MutexGuard<'_, Limiter> {
        self.limiter.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn publish(&self, limiter: &Limiter) {
        self.inside.set_unasked(match limiter {
            Limiter::Concurrency(ConcurrencyLimit { limit, .. }) if self.observer.is_none() => *limit,
            _ => 0,
        });
    }

    #[inline]
    pub(super) fn admit(self: &Arc<Self>) -> Result<Permit, Refusal> {
        if !self.inside.try_take() {
            self.ask()?;
        }
        Ok(Permit { shared: Arc::clone(self) })
    }

    // Apart, so that what most calls need stays small.
    #[inline(never)]
    fn ask(&self) -> Result<(), Refusal> {
        let mut limiter = self.lock();
        let answer = match &mut *limiter {
            Limiter::Concurrency(limit) => self.inside.take_if(|inside| limit.admit(inside)),
            limiter => {
                // Read under the lock, so that the policy sees time in order.
                let now = self.clock.now();
                limiter.admit(now, self.inside.taken()).and_then(|()| self.inside.take_if(|_| Ok(())))
            }
        };
        if let Some(observer) = &self.observer {
            match &answer {
                Ok(in_flight) => observer.in_flight(*in_flight),
                Err(refusal) => observer.refused(refusal.reason),
            }
        }
        answer.map(drop)
    }

    #[inline]
    fn leave(&self) {
        let Some(observer) = &self.observer else {
            self.inside.give_back();
            return;
        };
        self.leave_watched(&**observer);
    }

    #[inline(never)]
    fn leave_watched(&self, observer: &dyn Observer) {
        let _reports_in_turn = self.lock();
        observer.in_flight(self.inside.give_back());
    }
}

impl fmt::Debug for Shared {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Shared");
        f.field("limiter", &*self.lock()).field("in_flight", &self.inside.taken()).finish_non_exhaustive()
    }
}

/// One call's place inside. Dropping it gives the place back.
#[derive(Debug)]
pub struct Permit {
    shared: Arc<Shared>,
}

impl Drop for Permit {
    #[inline]
    fn drop(&mut self) {
        self.shared.leave();
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
        self.shared.inside.taken()
    }

    /// The rule as it stands now.
    #[must_use]
    pub fn limiter(&self) -> Limiter {
        self.shared.lock().clone()
    }

    /// How much is left right now.
    #[must_use]
    pub fn quota(&self) -> Quota {
        let limiter = self.shared.lock();
        limiter.quota(self.shared.clock.now(), self.shared.inside.taken())
    }

    /// Decides by another rule from now on. Calls that are inside stay and count; a token bucket that
    /// replaces another keeps its tokens.
    pub fn set_limiter(&self, next: Limiter) {
        let mut limiter = self.shared.lock();
        let now = self.shared.clock.now();
        limiter.change(now, next);
        self.shared.publish(&limiter);
    }
}
