//! Latencies, from the intended send time.
//!
//! Measured from the intended time and not from the actual one, because a generator that sends late while the
//! platform is slow would otherwise leave out just the waits that matter (coordinated omission). Percentiles
//! come from an HDR histogram of microseconds with three significant digits; the maximum is exact, and no
//! percentile exceeds it. Percentiles of nothing are `None`.

use hdrhistogram::Histogram;

use crate::facts::Asked;
use crate::record::{LatencyMs, PhaseLatencyMs, RefusalLatencyMs};
use crate::rounding;

const SIGNIFICANT_DIGITS: u8 = 3;

/// A latency distribution that is being filled. Grows with its largest value: about 130 KiB at 30 s.
#[derive(Debug)]
pub(crate) struct Latencies {
    histogram: Histogram<u64>,
    max_us: u64,
}

impl Latencies {
    pub(crate) fn new() -> Self {
        let histogram =
            Histogram::new(SIGNIFICANT_DIGITS).expect("three digits are within the histogram's range");
        Self { histogram, max_us: 0 }
    }

    pub(crate) fn record(&mut self, order: &Asked) {
        self.record_us(order.done_us.saturating_sub(order.intended_us));
    }

    pub(crate) fn record_us(&mut self, us: u64) {
        self.histogram.record(us).expect("a histogram that resizes itself takes any value");
        self.max_us = self.max_us.max(us);
    }

    /// Forgets everything and keeps the memory.
    pub(crate) fn clear(&mut self) {
        self.histogram.reset();
        self.max_us = 0;
    }

    pub(crate) fn quantile_ms(&self, quantile: f64) -> Option<f64> {
        (!self.histogram.is_empty())
            .then(|| rounding::ms(self.histogram.value_at_quantile(quantile).min(self.max_us)))
    }

    pub(crate) fn cell(&self) -> LatencyMs {
        LatencyMs {
            p50: self.quantile_ms(0.5),
            p90: self.quantile_ms(0.9),
            p95: self.quantile_ms(0.95),
            p99: self.quantile_ms(0.99),
            max: self.quantile_ms(1.0).map(|_| rounding::ms(self.max_us)),
        }
    }

    pub(crate) fn phase(&self) -> PhaseLatencyMs {
        PhaseLatencyMs { p50: self.quantile_ms(0.5), p99: self.quantile_ms(0.99) }
    }

    pub(crate) fn refusals(&self) -> RefusalLatencyMs {
        RefusalLatencyMs {
            p50: self.quantile_ms(0.5),
            p95: self.quantile_ms(0.95),
            p99: self.quantile_ms(0.99),
        }
    }
}

impl<'a> FromIterator<&'a Asked> for Latencies {
    fn from_iter<I: IntoIterator<Item = &'a Asked>>(orders: I) -> Self {
        let mut latencies = Self::new();
        orders.into_iter().for_each(|order| latencies.record(order));
        latencies
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Answer;

    fn order(latency_us: u64) -> Asked {
        Asked {
            order: "o".into(),
            intended_us: 7,
            sent_us: Some(9),
            done_us: 7 + latency_us,
            answer: Answer::Status(200),
        }
    }

    #[test]
    fn percentiles_of_nothing_are_not_defined() {
        assert_eq!(Latencies::new().cell(), LatencyMs::default());
    }

    #[test]
    fn is_counted_from_the_intended_send() {
        let one = Latencies::from_iter([&order(1_234_567)]).cell();
        assert_eq!((one.p50, one.p99, one.max), (Some(1234.567), Some(1234.567), Some(1234.567)));
    }

    #[test]
    fn percentiles_keep_three_digits_and_never_exceed_the_maximum() {
        let orders: Vec<_> = (1..=1000).map(|ms| order(ms * 1000)).collect();
        let cell = orders.iter().collect::<Latencies>().cell();
        for (found, exact) in [(cell.p50, 500.0), (cell.p90, 900.0), (cell.p95, 950.0), (cell.p99, 990.0)] {
            let found = found.expect("there are samples");
            assert!((found - exact).abs() / exact < 0.001, "{found} is not {exact}");
        }
        assert_eq!(cell.max, Some(1000.0));
    }

    #[test]
    fn cleared_is_as_new() {
        let mut latencies = Latencies::from_iter([&order(5)]);
        latencies.clear();
        assert_eq!(latencies.cell(), LatencyMs::default());
    }
}
