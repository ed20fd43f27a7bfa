//! The limit that compares now with lately.

use super::window::Sample;

/// Windows over which the long-term mean is a plain mean, before it becomes an exponential one.
const WARM_UP: u32 = 10;

/// g = clamp(tolerance × long ÷ short, 0.5, 1); limit ← (1 − smoothing) × limit + smoothing × (limit × g + queue).
///
/// After Netflix's `Gradient2Limit`: `short` is the window's mean time, `long` an exponential mean over
/// some `long_windows` windows. When the long one is more than twice the short one (the overload is over)
/// it is helped down by a twentieth per window. Deviations: a window in which everything was dropped has
/// no time and counts as the steepest gradient, where Netflix would take the time of the failures for
/// that of the service; and other drops are not looked at, as there.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gradient2 {
    /// How much slower than lately is still no queueing: 1.5 is half as slow again. Default: 1.5.
    pub tolerance: f64,
    /// The queue that the limit may grow by while times stay low. Default: 4.
    pub queue: u32,
    /// How much of a new estimate is taken over, between 0 and 1. Default: 0.2.
    pub smoothing: f64,
    /// The length of the long-term mean, in windows. Default: 600.
    pub long_windows: u32,
    long_s: f64,
    windows: u32,
}

impl Default for Gradient2 {
    fn default() -> Self {
        Self { tolerance: 1.5, queue: 4, smoothing: 0.2, long_windows: 600, long_s: 0.0, windows: 0 }
    }
}

impl Gradient2 {
    /// The next estimate.
    #[must_use]
    pub fn update(&mut self, estimate: f64, in_use: bool, sample: &Sample) -> f64 {
        let gradient = match sample.rtt.map(|rtt| rtt.as_secs_f64()) {
            Some(short_s) => self.gradient(short_s),
            None if sample.dropped => 0.5,
            None => return estimate,
        };
        // What was lost in full says enough, whether the limit was in use or not.
        if !in_use && sample.rtt.is_some() {
            return estimate;
        }
        let next = estimate * gradient + f64::from(self.queue);
        // With everything dropped there is nothing that could grow.
        let next = if sample.rtt.is_none() { next.min(estimate * gradient) } else { next };
        estimate * (1.0 - self.smoothing) + next * self.smoothing
    }

    /// The long-term mean in seconds; 0 before the first window.
    #[must_use]
    pub const fn long_s(&self) -> f64 {
        self.long_s
    }

    fn gradient(&mut self, short_s: f64) -> f64 {
        if self.windows < WARM_UP {
            self.windows += 1;
            self.long_s += (short_s - self.long_s) / f64::from(self.windows);
        } else {
            let weight = 2.0 / (f64::from(self.long_windows) + 1.0);
            self.long_s += (short_s - self.long_s) * weight;
        }
        // The gradient is taken with the mean as it was measured; the help is for the next window.
        let long_s = self.long_s;
        if long_s > 2.0 * short_s {
            self.long_s *= 0.95;
        }
        if short_s <= 0.0 {
            return 1.0;
        }
        (self.tolerance * long_s / short_s).clamp(0.5, 1.0)
    }
}
