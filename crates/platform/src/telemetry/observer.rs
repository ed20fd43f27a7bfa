//! Telemetry watches the constraints.
//!
//! Calls in flight are not taken from here but from a gauge of their own inside the constraint
//! ([`crate::layers::InFlightLayer`]): it is there in every design, also in those without a constraint.

use resilience::{Observer, Reason};

use super::{QUEUE_DEPTH, Telemetry};

impl Observer for Telemetry {
    fn queue_depth(&self, now: usize) {
        if let Some(queue) = self.shared.gauges.get(QUEUE_DEPTH) {
            queue.set(now as u64);
        }
    }

    fn refused(&self, reason: Reason) {
        self.counters().dropped(reason);
    }
}
