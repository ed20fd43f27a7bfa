//! Hits over time, in bins as wide as need be: there are never more than [`BINS_MAX`], because when there would be,
//! each two neighbours become one. So a plot of a second is as detailed as it can be, and one of a day takes no more
//! memory.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::hit::Hit;
use crate::summary::Summary;

/// The most bins.
pub const BINS_MAX: usize = 300;

/// The narrowest bin. Wider ones are 2^n times as wide.
const WIDTH_MIN_NS: i64 = 100_000_000;

/// Hits over time.
#[derive(Clone, Debug)]
pub struct Series {
    width_ns: i64,
    /// By the timestamp divided by the width.
    bins: BTreeMap<i64, Bin>,
}

/// What was asked in one stretch of time, and what came of it.
#[derive(Clone, Debug, Default)]
pub struct Bin {
    /// Latencies and counts, by the time at which requests were meant to be sent.
    pub asked: Summary,
}

impl Default for Series {
    fn default() -> Self {
        Self { width_ns: WIDTH_MIN_NS, bins: BTreeMap::new() }
    }
}

impl Series {
    /// Adds one hit.
    pub fn add(&mut self, hit: &Hit) {
        let index = hit.timestamp_ns.div_euclid(self.width_ns);
        self.bins.entry(index).or_default().asked.add(hit);
        while self.span() > BINS_MAX as i64 {
            self.widen();
        }
    }

    /// From the first bin to the last, the empty ones between them too.
    fn span(&self) -> i64 {
        match (self.bins.first_key_value(), self.bins.last_key_value()) {
            (Some((first, _)), Some((last, _))) => last - first + 1,
            _ => 0,
        }
    }

    fn widen(&mut self) {
        self.width_ns = self.width_ns.saturating_mul(2);
        for (index, bin) in std::mem::take(&mut self.bins) {
            self.bins.entry(index.div_euclid(2)).or_default().asked.merge(&bin.asked);
        }
    }

    /// How wide a bin is.
    #[must_use]
    pub fn width(&self) -> Duration {
        Duration::from_nanos(self.width_ns.unsigned_abs())
    }

    /// The bins from the first to the last, with what is between them, and when each begins after the first.
    pub fn bins(&self) -> impl Iterator<Item = (Duration, Option<&Bin>)> {
        let first = self.bins.first_key_value().map_or(0, |(first, _)| *first);
        (0..self.span()).map(move |offset| {
            (self.width() * u32::try_from(offset).unwrap_or(u32::MAX), self.bins.get(&(first + offset)))
        })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn series(at_ms: impl IntoIterator<Item = i64>) -> Series {
        let mut series = Series::default();
        for ms in at_ms {
            series.add(&Hit { code: 200, timestamp_ns: ms * 1_000_000, ..Hit::default() });
        }
        series
    }

    fn counts(series: &Series) -> Vec<u64> {
        series.bins().map(|(_, bin)| bin.map_or(0, |bin| bin.asked.requests())).collect()
    }

    #[test]
    fn bins_are_narrow_as_long_as_they_are_few() {
        let series = series([250, 0, 99, 100]);
        assert_eq!((series.width(), counts(&series)), (Duration::from_millis(100), vec![2, 1, 1]));
    }

    #[test]
    fn a_long_attack_has_wider_bins_and_not_more() {
        let series = series((0..10_000).map(|i| i * 100));
        assert_eq!(series.width(), Duration::from_millis(6_400));
        assert!(counts(&series).len() <= BINS_MAX);
        assert_eq!(counts(&series).iter().sum::<u64>(), 10_000);
    }

    proptest! {
        #[test]
        fn no_hit_is_lost_whatever_its_time(at in proptest::collection::vec(i64::MIN / 2_000_000..i64::MAX / 2_000_000, 1..20)) {
            let series = series(at.clone());
            prop_assert_eq!(counts(&series).iter().sum::<u64>(), at.len() as u64);
        }
    }
}
