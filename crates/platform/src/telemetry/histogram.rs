//! How long something took, in buckets: two atomic additions, and no more.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

/// Upper ends of the buckets, in ms; above the last there is one more.
const BUCKETS_MS: [u64; 14] = [0, 1, 5, 10, 25, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 30_000];

/// How long something took, in buckets.
#[derive(Debug, Default)]
pub(super) struct Histogram {
    counts: [AtomicU64; BUCKETS_MS.len() + 1],
    sum_us: AtomicU64,
}

impl Histogram {
    pub(super) fn record(&self, took: Duration) {
        let us = u64::try_from(took.as_micros()).unwrap_or(u64::MAX);
        let bucket = BUCKETS_MS.partition_point(|end_ms| end_ms * 1_000 < us);
        self.counts[bucket].fetch_add(1, Relaxed);
        self.sum_us.fetch_add(us, Relaxed);
    }

    /// The sum in seconds, and each bucket's upper end in seconds with its own count.
    pub(super) fn read(&self) -> (f64, Vec<(f64, u64)>) {
        let ends = BUCKETS_MS.iter().map(|ms| *ms as f64 / 1e3).chain([f64::INFINITY]);
        let counts = self.counts.iter().map(|count| count.load(Relaxed));
        (self.sum_us.load(Relaxed) as f64 / 1e6, ends.zip(counts).collect())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_falls_into_the_first_bucket_that_holds_it() {
        let histogram = Histogram::default();
        for ms in [0, 1, 2, 5, 90_000] {
            histogram.record(Duration::from_millis(ms));
        }
        let (sum_s, buckets) = histogram.read();
        assert!((sum_s - 90.008).abs() < 1e-9);
        let filled: Vec<_> = buckets.into_iter().filter(|(_, count)| *count > 0).collect();
        assert_eq!(filled, [(0.0, 1), (0.001, 1), (0.005, 2), (f64::INFINITY, 1)]);
    }
}
