//! Telemetry watches the constraints: it is the observer that every layer of a service is given.
//!
//! Calls in flight are not taken from here but from a gauge of their own inside the constraint
//! ([`crate::layers::InFlightLayer`]): it is there in every design, also in those without a constraint.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Duration;

use resilience::admission::shared_rate::SharedRateObserver;
use resilience::breaker::{BreakerObserver, Transition};
use resilience::idempotency::{Event, IdempotencyObserver};
use resilience::retries::{RetryObserver, Trail};
use resilience::timeouts::{Scope, TimeoutObserver};
use resilience::{Class, Observer, Reason, Refusal};

use super::{QUEUE_DEPTH, Telemetry};

impl Observer for Telemetry {
    fn queue_depth(&self, now: usize) {
        if let Some(queue) = self.shared.gauges.get(QUEUE_DEPTH) {
            queue.set(now as u64);
        }
    }

    fn limit(&self, now: usize) {
        self.shared.layers.limit.store(now as u64, Relaxed);
    }

    fn refused(&self, reason: Reason) {
        self.counters().dropped(reason);
    }

    fn waited(&self, wait: Duration) {
        self.shared.layers.waited(wait);
        self.signals().waited(wait);
    }
}

impl SharedRateObserver for Telemetry {
    fn decided_alone(&self) {
        self.shared.layers.decided_alone();
    }
}

impl BreakerObserver for Telemetry {
    fn transition(&self, transition: Transition) {
        self.shared.layers.breaker_is(transition.to);
        tracing::warn!(from = transition.from.as_str(), to = transition.to.as_str(), "the breaker changed");
    }

    fn refused(&self, refusal: Refusal) {
        self.counters().dropped(refusal.reason);
    }

    fn judged(&self, failed: bool, _took: Duration) {
        self.shared.layers.judged(failed);
    }
}

impl RetryObserver for Telemetry {
    fn retry(&self, class: Class, _after: Duration) {
        self.shared.layers.retry(class);
    }

    fn pausing(&self, now: usize) {
        self.shared.layers.pausing.store(now as u64, Relaxed);
    }

    fn concluded(&self, trail: Trail) {
        if let Some(why) = trail.gave_up {
            self.shared.layers.gave_up(why);
        }
    }
}

impl TimeoutObserver for Telemetry {
    fn expired(&self, scope: Scope) {
        self.shared.layers.timeout(scope, false);
    }

    fn timed_out(&self, scope: Scope, _after: Duration) {
        self.shared.layers.timeout(scope, true);
    }
}

impl IdempotencyObserver for Telemetry {
    fn event(&self, event: Event) {
        self.shared.layers.idempotency(event);
    }
}
