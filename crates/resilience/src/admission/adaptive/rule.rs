//! The limit as a rule at the door.

use std::time::Duration;

use super::limit::{AdaptiveLimit, LimitBounds};
use crate::admission::guard::{GuardHandle, Outcome, Rule};
use crate::refusal::{Reason, Refusal};

/// Admits while fewer calls are in flight than an [`AdaptiveLimit`] allows.
#[derive(Clone, Debug, PartialEq)]
pub struct Adaptive {
    limit: AdaptiveLimit,
    retry_after: Duration,
}

/// When a call came in, and how many were inside then (with it).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Began {
    at: Duration,
    in_flight: usize,
}

impl Began {
    pub(in crate::admission) const fn new(at: Duration, in_flight: usize) -> Self {
        Self { at, in_flight }
    }

    /// Tells `limit` how the call went.
    pub(in crate::admission) fn end(self, now: Duration, outcome: Outcome, limit: &mut AdaptiveLimit) {
        match outcome {
            Outcome::Accepted => limit.add(now, Some(now.saturating_sub(self.at)), self.in_flight),
            Outcome::Overloaded => limit.add(now, None, self.in_flight),
            Outcome::Unknown => {}
        }
    }
}

impl Adaptive {
    /// The refused are told to come back after `retry_after`.
    #[must_use]
    pub const fn new(limit: AdaptiveLimit, retry_after: Duration) -> Self {
        Self { limit, retry_after }
    }

    /// The limit with its state.
    #[must_use]
    pub const fn limit(&self) -> &AdaptiveLimit {
        &self.limit
    }

    /// Another limit from now on.
    pub fn set_limit(&mut self, limit: AdaptiveLimit) {
        self.limit = limit;
    }

    /// Other bounds from now on; what was learnt is kept.
    pub fn set_bounds(&mut self, bounds: LimitBounds) {
        self.limit.set_bounds(bounds);
    }
}

impl Rule for Adaptive {
    type Tag = ();
    type Pass = Began;

    fn admit(&mut self, now: Duration, in_flight: usize, (): ()) -> Result<Began, Refusal> {
        if in_flight < self.limit.limit() {
            Ok(Began::new(now, in_flight + 1))
        } else {
            Err(Refusal { reason: Reason::ConcurrencyLimit, retry_after: self.retry_after })
        }
    }

    fn end(&mut self, now: Duration, _: usize, pass: Began, outcome: Outcome) {
        pass.end(now, outcome, &mut self.limit);
    }

    fn limit(&self) -> Option<usize> {
        Some(self.limit.limit())
    }
}

impl GuardHandle<Adaptive> {
    /// Other bounds from now on; what was learnt is kept.
    pub fn set_bounds(&self, bounds: LimitBounds) {
        self.change(|rule| rule.set_bounds(bounds));
    }
}
