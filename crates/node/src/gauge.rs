//! A gauge that remembers its exact maxima.
//!
//! Sampling a value once a second misses every peak between two samples; the bounds that a design
//! declares are checked against maxima, so each change is seen here. Two maxima are kept: over the
//! gauge's whole life, and over the window since it was last asked (for time series).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

/// A shared `u64` with its exact maxima. Cloning shares it.
#[derive(Clone, Debug, Default)]
pub struct Gauge {
    cells: Arc<Cells>,
}

#[derive(Debug, Default)]
struct Cells {
    now: AtomicU64,
    max: AtomicU64,
    window_max: AtomicU64,
}

impl Gauge {
    /// A gauge at zero.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// The value now.
    #[must_use]
    pub fn now(&self) -> u64 {
        self.cells.now.load(Relaxed)
    }

    /// The highest value so far.
    #[must_use]
    pub fn max(&self) -> u64 {
        self.cells.max.load(Relaxed)
    }

    /// The highest value since the last call; the next window begins at the present value.
    #[must_use]
    pub fn take_window_max(&self) -> u64 {
        self.cells.window_max.swap(self.now(), Relaxed).max(self.now())
    }

    /// Sets the value.
    pub fn set(&self, value: u64) {
        self.cells.now.store(value, Relaxed);
        self.raise(value);
    }

    /// Adds one until the guard is dropped.
    #[must_use = "the gauge falls again when the guard is dropped"]
    pub fn enter(&self) -> GaugeGuard {
        let now = self.cells.now.fetch_add(1, Relaxed) + 1;
        self.raise(now);
        GaugeGuard { gauge: self.clone() }
    }

    fn raise(&self, value: u64) {
        self.cells.max.fetch_max(value, Relaxed);
        self.cells.window_max.fetch_max(value, Relaxed);
    }
}

/// One unit in a [`Gauge`]; leaves it when dropped.
#[derive(Debug)]
pub struct GaugeGuard {
    gauge: Gauge,
}

impl Drop for GaugeGuard {
    fn drop(&mut self) {
        self.gauge.cells.now.fetch_sub(1, Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn remembers_the_peak_after_everyone_has_left() {
        let gauge = Gauge::new();
        let guards: Vec<_> = (0..3).map(|_| gauge.enter()).collect();
        drop(guards);
        assert_eq!((gauge.now(), gauge.max()), (0, 3));
    }

    #[test]
    fn a_new_window_begins_at_the_present_value() {
        let gauge = Gauge::new();
        let first = gauge.enter();
        let second = gauge.enter();
        drop(second);
        assert_eq!(gauge.take_window_max(), 2);
        assert_eq!(gauge.take_window_max(), 1, "one is still inside");
        drop(first);
        assert_eq!(gauge.take_window_max(), 1, "it was inside when the window began");
        assert_eq!(gauge.take_window_max(), 0);
    }
}
