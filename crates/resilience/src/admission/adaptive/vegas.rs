//! The limit that reckons its queue from the shortest time.

use super::window::Sample;

/// Queue = limit × (1 − shortest time ÷ time): grow while it is below `alpha`, shrink above `beta`.
///
/// After TCP Vegas (Brakmo and Peterson, 1995) and Netflix's `VegasLimit`. As there, `alpha`, `beta` and
/// the step grow with the number of the limit's decimal digits (less one, at least 1), and a queue no
/// longer than one step is a reason to grow by `beta` at once.
///
/// The shortest time is forgotten every `probe_windows` × limit windows, so that a dependency that became
/// slower for good is not held to what it once was. Netflix spreads these probes by chance; here they
/// are regular, because one process's limits need not be kept from probing together. A probe during an
/// overload takes the queue that Vegas allows for part of the service, so the limit creeps up from probe
/// to probe while the overload lasts: give it a maximum that hurts nobody.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Vegas {
    /// A queue shorter than this lets the limit grow. Default: 3.
    pub alpha: u32,
    /// A queue longer than this lets it shrink. Default: 6.
    pub beta: u32,
    /// Windows per unit of the limit until the shortest time is measured anew. Default: 30.
    pub probe_windows: u32,
    shortest_s: Option<f64>,
    windows: u32,
}

impl Default for Vegas {
    fn default() -> Self {
        Self { alpha: 3, beta: 6, probe_windows: 30, shortest_s: None, windows: 0 }
    }
}

impl Vegas {
    /// The next estimate.
    #[must_use]
    pub fn update(&mut self, estimate: f64, in_use: bool, sample: &Sample) -> f64 {
        let step = step(estimate);
        if let Some(rtt) = sample.rtt.map(|rtt| rtt.as_secs_f64()) {
            self.windows = self.windows.saturating_add(1);
            let is_probe = f64::from(self.windows) >= f64::from(self.probe_windows) * estimate;
            if is_probe {
                self.windows = 0;
            }
            if is_probe || self.shortest_s.is_none_or(|shortest| rtt < shortest) {
                self.shortest_s = Some(rtt);
                return if sample.dropped { estimate - step } else { estimate };
            }
        }
        if sample.dropped {
            return estimate - step;
        }
        let (Some(rtt), Some(shortest_s), true) = (sample.rtt, self.shortest_s, in_use) else {
            return estimate;
        };
        let rtt_s = rtt.as_secs_f64();
        // Nothing can be reckoned from a call that took no time.
        let queue = if rtt_s > 0.0 { (estimate * (1.0 - shortest_s / rtt_s)).ceil() } else { 0.0 };
        if queue <= step {
            estimate + f64::from(self.beta) * step
        } else if queue < f64::from(self.alpha) * step {
            estimate + step
        } else if queue > f64::from(self.beta) * step {
            estimate - step
        } else {
            estimate
        }
    }
}

/// One below 100, two below 1000 and so on. Counted in whole numbers: the logarithm of a double is not the
/// same on every platform.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "an estimate is at least 0, and a cast saturates"
)]
fn step(estimate: f64) -> f64 {
    f64::from((estimate as u64).checked_ilog10().unwrap_or(0).max(1))
}
