//! The latencies of late, and one percentile of them.
//!
//! Exact, by nearest rank, over the last so many. Reckoned anew only now and then: a selection among 500
//! takes a few microseconds, which is too much for each call and nothing for each thirtieth.

use std::time::Duration;

use super::Percentile;

/// How often the percentile is reckoned while all latencies are replaced once.
const UPDATES: usize = 16;

/// A ring of latencies. Its size comes with each sample, and must stay the same.
#[derive(Clone, Debug, Default)]
pub(super) struct Latencies {
    ring: Vec<Duration>,
    oldest: usize,
    /// Samples since the percentile was reckoned.
    fresh: usize,
    percentile: Option<Duration>,
    scratch: Vec<Duration>,
}

impl Latencies {
    pub(super) fn add(&mut self, latency: Duration, of: &Percentile) {
        let samples = of.samples.get();
        if self.ring.len() < samples {
            self.ring.push(latency);
        } else {
            self.ring[self.oldest] = latency;
            self.oldest = (self.oldest + 1) % samples;
        }
        self.fresh += 1;
        let enough = self.ring.len() >= of.samples_min.min(samples);
        if enough && (self.percentile.is_none() || self.fresh >= samples.div_ceil(UPDATES)) {
            self.reckon(of);
        }
    }

    pub(super) const fn percentile(&self) -> Option<Duration> {
        self.percentile
    }

    /// The smallest latency that at least that share of all do not exceed.
    fn reckon(&mut self, of: &Percentile) {
        self.scratch.clone_from(&self.ring);
        let wanted =
            (self.scratch.len() as u128 * u128::from(of.percentile.millionths())).div_ceil(1_000_000);
        // At most the length, which is a `usize`; a percentile of zero is the smallest.
        let rank = usize::try_from(wanted).unwrap_or(usize::MAX).max(1) - 1;
        self.percentile = Some(*self.scratch.select_nth_unstable(rank).1);
        self.fresh = 0;
    }
}
