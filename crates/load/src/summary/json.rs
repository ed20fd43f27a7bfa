//! The report that programs read: vegeta's keys, all durations in nanoseconds, and ours after them.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Serialize;

use super::{Buckets, Durations, Summary};

#[derive(Serialize)]
struct Report<'a> {
    latencies: Latencies,
    bytes_in: Bytes,
    bytes_out: Bytes,
    earliest: String,
    latest: String,
    end: String,
    duration: u64,
    wait: u64,
    requests: u64,
    rate: f64,
    throughput: f64,
    success: f64,
    status_codes: BTreeMap<String, u64>,
    errors: &'a [String],
    #[serde(skip_serializing_if = "Option::is_none")]
    buckets: Option<BTreeMap<Nanos, u64>>,
    latencies_from: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    latencies_from_send: Option<Latencies>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<Latencies>,
    late: u64,
    dropped: u64,
    error_counts: &'a BTreeMap<String, u64>,
}

/// A key in nanoseconds, ordered as a number.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Nanos(u64);

impl Serialize for Nanos {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(&self.0)
    }
}

#[derive(Serialize)]
struct Latencies {
    total: u64,
    mean: u64,
    #[serde(rename = "50th")]
    p50: u64,
    #[serde(rename = "90th")]
    p90: u64,
    #[serde(rename = "95th")]
    p95: u64,
    #[serde(rename = "99th")]
    p99: u64,
    max: u64,
    min: u64,
}

#[derive(Serialize)]
struct Bytes {
    total: u64,
    mean: f64,
}

impl Summary {
    /// The report as a JSON value, with the counts of `buckets` when there are any.
    #[must_use]
    pub fn json(&self, buckets: Option<&Buckets>) -> serde_json::Value {
        let mean =
            |total: u64| if self.requests() == 0 { 0.0 } else { total as f64 / self.requests() as f64 };
        let at = |ns: Option<i64>| match ns {
            Some(ns) => Timestamp::from_nanosecond(i128::from(ns)).unwrap_or_default().to_string(),
            // Go's zero time, which vegeta writes when there was nothing.
            None => "0001-01-01T00:00:00Z".to_owned(),
        };
        let ours = self.is_from_intended();
        let report = Report {
            latencies: (&self.latencies).into(),
            bytes_in: Bytes { total: self.bytes_in, mean: mean(self.bytes_in) },
            bytes_out: Bytes { total: self.bytes_out, mean: mean(self.bytes_out) },
            earliest: at(self.times.map(|times| times.earliest_ns)),
            latest: at(self.times.map(|times| times.latest_ns)),
            end: at(self.times.map(|times| times.end_ns)),
            duration: nanos(self.attack_time()),
            wait: nanos(self.wait()),
            requests: self.requests(),
            rate: self.rate(),
            throughput: self.throughput(),
            success: self.success().unwrap_or(0.0),
            status_codes: self.codes.iter().map(|(code, count)| (code.to_string(), *count)).collect(),
            errors: &self.errors,
            buckets: buckets
                .map(|buckets| buckets.counts().map(|(from, count)| (Nanos(nanos(from)), count)).collect()),
            latencies_from: if ours { "intended" } else { "sent" },
            latencies_from_send: ours.then(|| (&self.latencies_from_send).into()),
            delay: ours.then(|| (&self.delays).into()),
            late: self.late,
            dropped: self.dropped,
            error_counts: &self.error_counts,
        };
        serde_json::to_value(report).expect("keys are text, and no number is infinite")
    }
}

impl From<&Durations> for Latencies {
    fn from(durations: &Durations) -> Self {
        let at = |share| nanos(durations.quantile(share));
        Self {
            total: nanos(durations.total()),
            mean: nanos(durations.mean()),
            p50: at(0.5),
            p90: at(0.9),
            p95: at(0.95),
            p99: at(0.99),
            max: nanos(durations.max()),
            min: nanos(durations.min()),
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
