//! What the constraints tell of themselves, one family per layer.
//!
//! Kept apart from [`super::counters`], which count what a service does: these count what its constraints do
//! to it. A layer that a design does not have leaves its families at zero, and a breaker that is not there has
//! no state. All labels are closed sets, so their number is bounded whatever clients send.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use resilience::Class;
use resilience::breaker::BreakerState;
use resilience::idempotency::Event;
use resilience::retries::GiveUp;
use resilience::timeouts::Scope;

use super::counters::Tally;
use super::histogram::Histogram;

const BREAKER_STATES: &[&str] = &["closed", "open", "half-open", "forced-open", "forced-closed"];
const JUDGEMENTS: &[&str] = &["good", "failed"];
const CLASSES: &[&str] = &["success", "failure", "unknown"];
const GIVE_UPS: &[&str] = &["not-retryable", "unsafe", "attempts-spent", "deadline-near", "budget-spent"];
const TIMEOUTS: &[&str] = &["request-expired", "request-timed-out", "attempt-expired", "attempt-timed-out"];
const EVENTS: &[&str] = &[
    "began",
    "joined",
    "took-over",
    "replayed",
    "in-progress",
    "mismatch",
    "missing-key",
    "invalid-key",
    "stored",
    "abandoned",
    "dropped",
    "lost",
    "records-failed",
];

/// What the layers of one service reported.
#[derive(Debug)]
pub(super) struct LayerMetrics {
    /// How long work waited for a worker.
    pub(super) queue_wait: Histogram,
    /// How many may be in flight; 0 before a limit was reported.
    pub(super) limit: AtomicU64,
    /// Retries, by what the attempt before them was.
    pub(super) retries: Tally,
    /// Calls that were given up, by why.
    pub(super) gave_up: Tally,
    /// Calls that pause before their next attempt.
    pub(super) pausing: AtomicU64,
    /// Ends that came too early, by whose time was spent and whether it had begun.
    pub(super) timeouts: Tally,
    /// Changes of the breaker's state, by where they led.
    pub(super) breaker_transitions: Tally,
    /// Calls that the breaker judged.
    pub(super) breaker_judged: Tally,
    /// What happened to calls with a key.
    pub(super) idempotency: Tally,
    /// Calls that a shared rate let in or refused without its store.
    pub(super) decided_alone: Tally,
    /// The breaker's state as its place in [`BreakerState::ALL`], plus 1; 0 without a breaker.
    breaker: AtomicU64,
}

impl Default for LayerMetrics {
    fn default() -> Self {
        Self {
            queue_wait: Histogram::default(),
            limit: AtomicU64::new(0),
            retries: Tally::new("retries", "Attempts repeated", "after", CLASSES),
            gave_up: Tally::new("retries_given_up", "Calls not tried again", "reason", GIVE_UPS),
            pausing: AtomicU64::new(0),
            timeouts: Tally::new("timeouts", "Time that was spent", "kind", TIMEOUTS),
            breaker_transitions: Tally::new(
                "breaker_transitions",
                "Changes of the breaker",
                "to",
                BREAKER_STATES,
            ),
            breaker_judged: Tally::new("breaker_judged", "Calls judged", "outcome", JUDGEMENTS),
            idempotency: Tally::new("idempotency_events", "Calls with a key", "event", EVENTS),
            decided_alone: Tally::new(
                "shared_rate_decided_alone",
                "Calls decided without the store of a shared rate",
                "",
                &[""],
            ),
            breaker: AtomicU64::new(0),
        }
    }
}

impl LayerMetrics {
    /// A new process: what was only in the old one's memory is gone, and its limit is the design's until one is
    /// reported.
    pub(super) fn begin(&self, limit: u64) {
        self.limit.store(limit, Relaxed);
        self.pausing.store(0, Relaxed);
        self.breaker.store(0, Relaxed);
    }

    pub(super) fn waited(&self, wait: Duration) {
        self.queue_wait.record(wait);
    }

    pub(super) fn retry(&self, class: Class) {
        let index = match class {
            Class::Success => 0,
            Class::Failure { .. } => 1,
            Class::Unknown { .. } => 2,
        };
        self.retries.add(index, 1);
    }

    pub(super) fn gave_up(&self, why: GiveUp) {
        let index = GiveUp::ALL.iter().position(|other| *other == why).expect("it is one of all");
        self.gave_up.add(index, 1);
    }

    pub(super) fn timeout(&self, scope: Scope, had_begun: bool) {
        let index = match (scope, had_begun) {
            (Scope::Request, false) => 0,
            (Scope::Request, true) => 1,
            (Scope::Attempt, false) => 2,
            (Scope::Attempt, true) => 3,
        };
        self.timeouts.add(index, 1);
    }

    pub(super) fn breaker_is(&self, state: BreakerState) {
        let index = place(state);
        self.breaker_transitions.add(index, 1);
        self.breaker.store(index as u64 + 1, Relaxed);
    }

    pub(super) fn judged(&self, failed: bool) {
        self.breaker_judged.add(usize::from(failed), 1);
        // It is there, and nobody said that it ever left its first state.
        let closed = place(BreakerState::Closed) as u64 + 1;
        let _known = self.breaker.compare_exchange(0, closed, Relaxed, Relaxed);
    }

    pub(super) fn decided_alone(&self) {
        self.decided_alone.add(0, 1);
    }

    pub(super) fn idempotency(&self, event: Event) {
        let index = Event::ALL.iter().position(|other| *other == event).expect("it is one of all");
        self.idempotency.add(index, 1);
    }

    /// How many answers were given again to a key that had one.
    pub(super) fn replays(&self) -> u64 {
        let replayed = Event::ALL.iter().position(|event| *event == Event::Replayed);
        self.idempotency.get(replayed.expect("it is one of all"))
    }

    /// The breaker's state; `None` without a breaker, or before it had judged a call.
    pub(super) fn breaker(&self) -> Option<BreakerState> {
        let place = self.breaker.load(Relaxed).checked_sub(1)?;
        BreakerState::ALL.get(usize::try_from(place).ok()?).copied()
    }
}

fn place(state: BreakerState) -> usize {
    BreakerState::ALL.iter().position(|other| *other == state).expect("it is one of all")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn label_values_stand_in_the_order_of_their_enums() {
        assert_eq!(BreakerState::ALL.map(BreakerState::as_str), *BREAKER_STATES);
        assert_eq!(GiveUp::ALL.map(GiveUp::as_str), *GIVE_UPS);
        assert_eq!(Event::ALL.map(Event::as_str), *EVENTS);
        assert!(TIMEOUTS[1].starts_with(Scope::Request.as_str()));
        assert!(TIMEOUTS[3].starts_with(Scope::Attempt.as_str()));
    }

    #[test]
    fn a_breaker_is_known_from_its_first_word_on() {
        let metrics = LayerMetrics::default();
        assert_eq!(metrics.breaker(), None);
        metrics.judged(false);
        assert_eq!(metrics.breaker(), Some(BreakerState::Closed));
        metrics.breaker_is(BreakerState::HalfOpen);
        metrics.judged(true);
        assert_eq!(metrics.breaker(), Some(BreakerState::HalfOpen));
        metrics.begin(0);
        assert_eq!(metrics.breaker(), None, "another process has another breaker");
    }
}
