//! Additive increase, multiplicative decrease.

use std::time::Duration;

use super::window::Sample;

/// One more per window while all goes well, a tenth less when anything was dropped.
///
/// After Chiu and Jain, "Analysis of the Increase and Decrease Algorithms for Congestion Avoidance in
/// Computer Networks" (1989), with the constants of Netflix's `AIMDLimit`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Aimd {
    /// What is left of the limit after a drop; between 0.5 and 1. Default: 0.9.
    pub backoff_ratio: f64,
    /// A mean time above this is a drop too. Default: 5 s.
    pub timeout: Duration,
}

impl Default for Aimd {
    fn default() -> Self {
        Self { backoff_ratio: 0.9, timeout: Duration::from_secs(5) }
    }
}

impl Aimd {
    /// The next estimate.
    #[must_use]
    pub fn update(&self, estimate: f64, in_use: bool, sample: &Sample) -> f64 {
        if sample.dropped || sample.rtt.is_some_and(|rtt| rtt > self.timeout) {
            // By one at least: a tenth of a small limit is less than one, and would change nothing.
            (estimate * self.backoff_ratio).floor().min(estimate - 1.0)
        } else if in_use {
            estimate + 1.0
        } else {
            estimate
        }
    }
}
