//! The one rule behind all services of a layer, the count, and who watches.

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::rule::{Outcome, Rule};
use crate::clock::Clock;
use crate::observer::Observer;
use crate::refusal::Refusal;

pub(super) struct Shared<P> {
    state: Mutex<State<P>>,
    clock: Clock,
    observer: Box<dyn Observer>,
}

struct State<P> {
    rule: P,
    /// Calls that hold a permit: as many as there are [`Permit`] values.
    in_flight: usize,
    /// As last reported.
    limit: Option<usize>,
}

impl<P: Rule> Shared<P> {
    pub(super) fn new(rule: P, observer: Box<dyn Observer>) -> Arc<Self> {
        let state = State { limit: rule.limit(), rule, in_flight: 0 };
        if let Some(limit) = state.limit {
            observer.limit(limit);
        }
        Arc::new(Self { state: Mutex::new(state), clock: Clock::default(), observer })
    }

    pub(super) fn admit(self: &Arc<Self>, tag: P::Tag) -> Result<Permit<P>, Refusal> {
        let mut state = self.lock();
        // Read under the lock, so that the rule sees time in order.
        let now = self.clock.now();
        let in_flight = state.in_flight;
        let answer = state.rule.admit(now, in_flight, tag);
        let answer = match answer {
            Ok(pass) => {
                state.in_flight += 1;
                self.observer.in_flight(state.in_flight);
                Ok(Permit { shared: Arc::clone(self), pass: Some(pass), outcome: Outcome::Unknown })
            }
            Err(refusal) => {
                self.observer.refused(refusal.reason);
                Err(refusal)
            }
        };
        self.report_limit(&mut state);
        answer
    }

    fn end(&self, pass: P::Pass, outcome: Outcome) {
        let mut state = self.lock();
        let now = self.clock.now();
        state.in_flight -= 1;
        let in_flight = state.in_flight;
        state.rule.end(now, in_flight, pass, outcome);
        self.observer.in_flight(in_flight);
        self.report_limit(&mut state);
    }

    fn report_limit(&self, state: &mut State<P>) {
        let limit = state.rule.limit();
        if limit != state.limit {
            state.limit = limit;
            self.observer.limit(limit.unwrap_or(usize::MAX));
        }
    }
}

impl<P> Shared<P> {
    /// Every rule leaves itself whole before it returns, so a panic elsewhere in a holder (an observer's)
    /// does no harm.
    fn lock(&self) -> MutexGuard<'_, State<P>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: fmt::Debug> fmt::Debug for Shared<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let mut f = f.debug_struct("Shared");
        f.field("rule", &state.rule).field("in_flight", &state.in_flight).finish_non_exhaustive()
    }
}

/// One call's place inside. Dropping it gives the place back and tells the rule how the call ended.
pub(super) struct Permit<P: Rule> {
    shared: Arc<Shared<P>>,
    /// `None` only while it is dropped.
    pass: Option<P::Pass>,
    outcome: Outcome,
}

impl<P: Rule> Permit<P> {
    /// How the call ended; what is never told is [`Outcome::Unknown`].
    pub(super) const fn set_outcome(&mut self, outcome: Outcome) {
        self.outcome = outcome;
    }
}

impl<P: Rule> Drop for Permit<P> {
    fn drop(&mut self) {
        let pass = self.pass.take().expect("a permit is dropped once");
        self.shared.end(pass, self.outcome);
    }
}

/// Reads and changes a layer's rule while it is at work. Cheap to clone.
#[derive(Debug)]
pub struct GuardHandle<P> {
    shared: Arc<Shared<P>>,
}

impl<P> Clone for GuardHandle<P> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<P: Rule> GuardHandle<P> {
    pub(super) const fn new(shared: Arc<Shared<P>>) -> Self {
        Self { shared }
    }

    /// Calls that are inside now.
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.lock().in_flight
    }

    /// The most calls in flight as things stand, where the rule has such a limit.
    #[must_use]
    pub fn limit(&self) -> Option<usize> {
        self.shared.lock().rule.limit()
    }

    /// Looks at the rule. It stands still meanwhile, so be quick, and do not call this handle from inside.
    pub fn read<T>(&self, look: impl FnOnce(&P) -> T) -> T {
        look(&self.shared.lock().rule)
    }

    /// Changes the rule's settings; from now on it decides by them. Calls that are inside stay and count.
    /// As with [`GuardHandle::read`], be quick and do not call this handle from inside.
    pub fn change<T>(&self, change: impl FnOnce(&mut P) -> T) -> T {
        let mut state = self.shared.lock();
        let value = change(&mut state.rule);
        self.shared.report_limit(&mut state);
        value
    }
}
