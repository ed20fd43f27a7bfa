//! What many hits come to: vegeta's metrics, and what it has not.
//!
//! Latencies are in HDR histograms with three significant digits, so that a summary takes the same memory after an
//! hour as after a second; minimum, maximum and mean are exact. Requests that were never sent are counted apart and
//! are in no latency: they are no answers, and must not look like quick ones.
//!
//! The forms a summary is shown in: [`Summary::text`] and [`Summary::json`] with vegeta's rows and keys,
//! [`Summary::hdr_plot`], [`Buckets::text`], and two of them side by side in [`compare`].

mod buckets;
pub mod compare;
mod hdr_plot;
mod json;
mod text;

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

pub use self::buckets::{BUCKETS_MAX, Buckets, BucketsError};
use crate::hit::Hit;

/// The most different errors that are kept; more are only counted.
pub const ERRORS_MAX: usize = 1_000;

/// From which delay on a send counts as late, as in [`DriveOptions`](crate::DriveOptions).
pub const LATE_AFTER: Duration = Duration::from_millis(10);

/// The longest duration that has a quantile of its own: nearly 300 years, as in Go.
const LONGEST_NS: u64 = i64::MAX as u64;

/// Significant digits of a quantile.
const DIGITS: u8 = 3;

/// Durations: their exact extremes and sum, and quantiles to three digits.
#[derive(Clone, Debug)]
pub struct Durations {
    histogram: Histogram<u64>,
    total_ns: u128,
    min_ns: u64,
    max_ns: u64,
}

impl Default for Durations {
    fn default() -> Self {
        let histogram = Histogram::new(DIGITS).expect("three digits are possible");
        Self { histogram, total_ns: 0, min_ns: u64::MAX, max_ns: 0 }
    }
}

impl Durations {
    /// Adds one.
    pub fn add(&mut self, duration: Duration) {
        let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
        self.histogram.record(ns.min(LONGEST_NS)).expect("the histogram grows to the longest");
        self.total_ns += u128::from(ns);
        self.min_ns = self.min_ns.min(ns);
        self.max_ns = self.max_ns.max(ns);
    }

    /// Adds those of another.
    pub fn merge(&mut self, other: &Self) {
        self.histogram.add(&other.histogram).expect("the histogram grows to the longest");
        self.total_ns += other.total_ns;
        self.min_ns = self.min_ns.min(other.min_ns);
        self.max_ns = self.max_ns.max(other.max_ns);
    }

    /// How many.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len()
    }

    /// All of them together.
    #[must_use]
    pub fn total(&self) -> Duration {
        Duration::from_nanos(u64::try_from(self.total_ns).unwrap_or(u64::MAX))
    }

    /// The shortest; zero when there is none.
    #[must_use]
    pub fn min(&self) -> Duration {
        Duration::from_nanos(if self.count() == 0 { 0 } else { self.min_ns })
    }

    /// The longest.
    #[must_use]
    pub fn max(&self) -> Duration {
        Duration::from_nanos(self.max_ns)
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> Duration {
        let mean_ns = self.total_ns.checked_div(u128::from(self.count())).unwrap_or(0);
        Duration::from_nanos(u64::try_from(mean_ns).unwrap_or(u64::MAX))
    }

    /// The duration that a share of them, from 0 to 1, does not exceed.
    #[must_use]
    pub fn quantile(&self, share: f64) -> Duration {
        let ns = self.histogram.value_at_quantile(share.clamp(0.0, 1.0));
        Duration::from_nanos(ns).clamp(self.min(), self.max())
    }
}

/// What many hits come to.
#[derive(Clone, Debug, Default)]
pub struct Summary {
    /// From the timestamp: the intended send in our files, the actual one in vegeta's.
    pub latencies: Durations,
    /// From the actual send; the same where no delay is known.
    pub latencies_from_send: Durations,
    /// How late the requests left, of those that say so.
    pub delays: Durations,
    /// How many of them left later than [`LATE_AFTER`].
    pub late: u64,
    /// Requests that were never sent.
    pub dropped: u64,
    /// Requests answered from 200 to 399.
    pub succeeded: u64,
    /// Bytes of all answers' bodies.
    pub bytes_in: u64,
    /// Bytes of all requests' bodies.
    pub bytes_out: u64,
    /// How many of each status; 0 is for those without an answer.
    pub codes: BTreeMap<u16, u64>,
    /// The different errors, in the order in which they were met; at most [`ERRORS_MAX`].
    pub errors: Vec<String>,
    /// How many of each error.
    pub error_counts: BTreeMap<String, u64>,
    /// How many errors there was no room for.
    pub errors_beyond: u64,
    times: Option<Times>,
}

#[derive(Clone, Copy, Debug)]
struct Times {
    earliest_ns: i64,
    latest_ns: i64,
    end_ns: i64,
}

impl Summary {
    /// Adds one hit.
    pub fn add(&mut self, hit: &Hit) {
        if hit.was_dropped() {
            self.dropped += 1;
            self.add_error(&hit.error);
            return;
        }
        self.latencies.add(hit.latency);
        self.latencies_from_send.add(hit.latency_from_send());
        if let Some(delay) = hit.delay {
            self.delays.add(delay);
            self.late += u64::from(delay > LATE_AFTER);
        }
        self.succeeded += u64::from(hit.succeeded());
        self.bytes_in = self.bytes_in.saturating_add(hit.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(hit.bytes_out);
        *self.codes.entry(hit.code).or_default() += 1;
        if !hit.error.is_empty() {
            self.add_error(&hit.error);
        }
        let (at_ns, end_ns) = (hit.timestamp_ns, hit.end_ns());
        let times = self.times.get_or_insert(Times { earliest_ns: at_ns, latest_ns: at_ns, end_ns });
        times.earliest_ns = times.earliest_ns.min(at_ns);
        times.latest_ns = times.latest_ns.max(at_ns);
        times.end_ns = times.end_ns.max(end_ns);
    }

    /// Adds all that another has seen.
    pub fn merge(&mut self, other: &Self) {
        self.latencies.merge(&other.latencies);
        self.latencies_from_send.merge(&other.latencies_from_send);
        self.delays.merge(&other.delays);
        self.late += other.late;
        self.dropped += other.dropped;
        self.succeeded += other.succeeded;
        self.bytes_in = self.bytes_in.saturating_add(other.bytes_in);
        self.bytes_out = self.bytes_out.saturating_add(other.bytes_out);
        for (code, count) in &other.codes {
            *self.codes.entry(*code).or_default() += count;
        }
        for error in &other.errors {
            self.add_errors(error, other.error_counts[error]);
        }
        self.errors_beyond += other.errors_beyond;
        self.times = match (self.times, other.times) {
            (Some(ours), Some(theirs)) => Some(Times {
                earliest_ns: ours.earliest_ns.min(theirs.earliest_ns),
                latest_ns: ours.latest_ns.max(theirs.latest_ns),
                end_ns: ours.end_ns.max(theirs.end_ns),
            }),
            (ours, theirs) => ours.or(theirs),
        };
    }

    fn add_error(&mut self, error: &str) {
        self.add_errors(error, 1);
    }

    fn add_errors(&mut self, error: &str, many: u64) {
        if let Some(count) = self.error_counts.get_mut(error) {
            *count += many;
        } else if self.errors.len() < ERRORS_MAX {
            self.errors.push(error.to_owned());
            self.error_counts.insert(error.to_owned(), many);
        } else {
            self.errors_beyond += many;
        }
    }

    /// How many requests were sent.
    #[must_use]
    pub fn requests(&self) -> u64 {
        self.latencies.count()
    }

    /// How many requests were sent and did not succeed.
    #[must_use]
    pub fn failed(&self) -> u64 {
        self.requests() - self.succeeded
    }

    /// The share of the requests that succeeded; `None` when none was sent.
    #[must_use]
    pub fn success(&self) -> Option<f64> {
        (self.requests() > 0).then(|| self.succeeded as f64 / self.requests() as f64)
    }

    /// From the first timestamp to the last.
    #[must_use]
    pub fn attack_time(&self) -> Duration {
        self.times.map_or(Duration::ZERO, |times| between(times.earliest_ns, times.latest_ns))
    }

    /// From the last timestamp to the last answer.
    #[must_use]
    pub fn wait(&self) -> Duration {
        self.times.map_or(Duration::ZERO, |times| between(times.latest_ns, times.end_ns))
    }

    /// Requests per second of the attack. As in vegeta, their number when they were all sent at once.
    #[must_use]
    pub fn rate(&self) -> f64 {
        per_second(self.requests(), self.attack_time(), self.attack_time())
    }

    /// Successes per second from the first request to the last answer.
    #[must_use]
    pub fn throughput(&self) -> f64 {
        per_second(self.succeeded, self.attack_time(), self.attack_time() + self.wait())
    }

    /// Whether latencies are measured from the intended send: the hits say how late they left.
    #[must_use]
    pub fn is_from_intended(&self) -> bool {
        self.delays.count() > 0
    }

    /// From when on latencies are measured, for people.
    #[must_use]
    pub fn measured_from(&self) -> &'static str {
        if self.is_from_intended() { "intended send" } else { "actual send" }
    }

    /// Whether nothing was seen.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.requests() == 0 && self.dropped == 0
    }
}

fn per_second(count: u64, attack: Duration, over: Duration) -> f64 {
    if attack.is_zero() { count as f64 } else { count as f64 / over.as_secs_f64() }
}

fn between(from_ns: i64, to_ns: i64) -> Duration {
    Duration::from_nanos(u64::try_from(i128::from(to_ns) - i128::from(from_ns)).unwrap_or(0))
}

#[cfg(test)]
mod tests;
