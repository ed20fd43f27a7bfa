//! Thresholds: what has to be true of a summary, as k6 writes it. `p(95)<200ms`, `success>0.99`, `dropped==0`.
//!
//! | metric | of |
//! |---|---|
//! | `p(N)`, `med`, `avg` or `mean`, `min`, `max` | latencies, with the same clock as the report's |
//! | `delay(N)` | how late requests left, the N-th percentile |
//! | `success`, `failed` | shares of the requests sent: `0.99` or `99%` |
//! | `rate`, `throughput` | requests, and successes, per second |
//! | `requests`, `errors`, `dropped`, `late` | counts; `errors` are the requests that did not succeed |
//!
//! A bare number compared with a duration is in milliseconds, as in k6. k6's own names are understood in front of a
//! colon: `http_req_duration: p(95)<200`, `http_req_failed: rate<0.01`. What was not measured fails.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::duration::{format_duration, parse_duration, rounded};
use crate::summary::Summary;

/// Why a threshold cannot be.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum ThresholdError {
    /// No comparison in it.
    #[error("`{0}` compares nothing: write METRIC, one of < <= > >= == !=, and a value, like `p(95)<200ms`")]
    Syntax(String),
    /// A metric that there is not.
    #[error(
        "`{0}` is no metric: p(95), med, avg, min, max, delay(99), success, failed, rate, throughput, requests, \
         errors, dropped, late"
    )]
    Metric(String),
    /// A percentile out of range.
    #[error("a percentile is a number from 0 to 100, not `{0}`")]
    Percentile(String),
    /// A value that does not fit the metric.
    #[error("`{metric}` cannot be compared with `{value}`: write {example}")]
    Value {
        /// The metric.
        metric: String,
        /// What it was to be compared with.
        value: String,
        /// What would be right.
        example: &'static str,
    },
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Metric {
    Percentile(f64),
    Mean,
    Min,
    Max,
    Delay(f64),
    Success,
    Failed,
    Rate,
    Throughput,
    Requests,
    Errors,
    Dropped,
    Late,
}

/// What a metric's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    Time,
    Share,
    Number,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
    Equal,
    Unequal,
}

/// The longer ones first: `<=` begins with `<`. `===` and `!==` are k6's.
const COMPARISONS: [(&str, Comparison); 8] = [
    ("===", Comparison::Equal),
    ("!==", Comparison::Unequal),
    ("==", Comparison::Equal),
    ("!=", Comparison::Unequal),
    ("<=", Comparison::AtMost),
    (">=", Comparison::AtLeast),
    ("<", Comparison::Less),
    (">", Comparison::More),
];

/// Something that has to be true of a summary.
#[derive(Clone, Debug, PartialEq)]
pub struct Threshold {
    written: String,
    metric: Metric,
    comparison: Comparison,
    /// Seconds, a share, or a number.
    bound: f64,
}

/// Whether a threshold holds, and what was measured.
#[derive(Clone, Debug, PartialEq)]
pub struct Checked {
    /// Whether it holds.
    pub holds: bool,
    /// The threshold as it was written, and the measured value.
    pub line: String,
}

impl fmt::Display for Checked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", if self.holds { '✓' } else { '✗' }, self.line)
    }
}

impl FromStr for Threshold {
    type Err = ThresholdError;

    fn from_str(text: &str) -> Result<Self, ThresholdError> {
        let syntax = || ThresholdError::Syntax(text.to_owned());
        let at = text.find(['<', '>', '=', '!']).ok_or_else(syntax)?;
        let (name, rest) = text.split_at(at);
        let (sign, comparison) =
            COMPARISONS.iter().find(|(sign, _)| rest.starts_with(sign)).ok_or_else(syntax)?;
        let (name, value) = (name.trim(), rest[sign.len()..].trim());
        if value.is_empty() || name.is_empty() {
            return Err(syntax());
        }
        let metric = metric(name)?;
        let bound = bound(metric.kind(), value).ok_or_else(|| ThresholdError::Value {
            metric: name.to_owned(),
            value: value.to_owned(),
            example: metric.kind().example(),
        })?;
        Ok(Self { written: text.trim().to_owned(), metric, comparison: *comparison, bound })
    }
}

fn metric(name: &str) -> Result<Metric, ThresholdError> {
    let unknown = || ThresholdError::Metric(name.to_owned());
    let (family, short) = match name.split_once(':') {
        Some((family, short)) => (family.trim(), short.trim()),
        None => ("", name),
    };
    match (family, short) {
        ("" | "http_req_duration" | "http_req_waiting", _) => {}
        ("http_req_failed", "rate") => return Ok(Metric::Failed),
        ("http_reqs", "rate") => return Ok(Metric::Rate),
        ("http_reqs", "count") => return Ok(Metric::Requests),
        ("dropped_iterations", "count") => return Ok(Metric::Dropped),
        _ => return Err(unknown()),
    }
    let percentile = |prefix: &str| {
        let inner = short.strip_prefix(prefix)?.trim().strip_prefix('(')?.strip_suffix(')')?.trim();
        Some(match inner.parse::<f64>() {
            Ok(percent) if (0.0..=100.0).contains(&percent) => Ok(percent / 100.0),
            _ => Err(ThresholdError::Percentile(inner.to_owned())),
        })
    };
    if let Some(share) = percentile("p") {
        return share.map(Metric::Percentile);
    }
    if let Some(share) = percentile("delay") {
        return share.map(Metric::Delay);
    }
    let metric = match short {
        "med" => Metric::Percentile(0.5),
        "avg" | "mean" => Metric::Mean,
        "min" => Metric::Min,
        "max" => Metric::Max,
        // Of a latency there is no rate and no count.
        _ if !family.is_empty() => return Err(unknown()),
        "success" => Metric::Success,
        "failed" => Metric::Failed,
        "rate" => Metric::Rate,
        "throughput" => Metric::Throughput,
        "requests" | "count" => Metric::Requests,
        "errors" => Metric::Errors,
        "dropped" => Metric::Dropped,
        "late" => Metric::Late,
        _ => return Err(unknown()),
    };
    Ok(metric)
}

/// A value of a kind, in seconds, as a share, or as a number.
fn bound(kind: Kind, text: &str) -> Option<f64> {
    let number = |text: &str| text.trim().parse::<f64>().ok().filter(|number| number.is_finite());
    match kind {
        Kind::Time => match number(text) {
            Some(ms) => Some(ms / 1e3),
            None => parse_duration(text).ok().map(|duration| duration.as_secs_f64()),
        },
        Kind::Share => match text.strip_suffix('%') {
            Some(percent) => number(percent).map(|percent| percent / 100.0),
            None => number(text),
        },
        Kind::Number => number(text),
    }
}

impl Kind {
    const fn example(self) -> &'static str {
        match self {
            Self::Time => "a duration, like 200ms, or a number of milliseconds",
            Self::Share => "a share, like 0.99 or 99%",
            Self::Number => "a number",
        }
    }
}

impl Metric {
    const fn kind(self) -> Kind {
        match self {
            Self::Percentile(_) | Self::Mean | Self::Min | Self::Max | Self::Delay(_) => Kind::Time,
            Self::Success | Self::Failed => Kind::Share,
            _ => Kind::Number,
        }
    }

    /// `None` when nothing was measured.
    fn of(self, summary: &Summary) -> Option<f64> {
        let latencies = &summary.latencies;
        let seconds = |duration: Duration| (latencies.count() > 0).then_some(duration.as_secs_f64());
        match self {
            Self::Percentile(share) => seconds(latencies.quantile(share)),
            Self::Mean => seconds(latencies.mean()),
            Self::Min => seconds(latencies.min()),
            Self::Max => seconds(latencies.max()),
            Self::Delay(share) => {
                let delays = &summary.delays;
                (delays.count() > 0).then(|| delays.quantile(share).as_secs_f64())
            }
            Self::Success => summary.success(),
            Self::Failed => summary.success().map(|success| 1.0 - success),
            Self::Rate => Some(summary.rate()),
            Self::Throughput => Some(summary.throughput()),
            Self::Requests => Some(summary.requests() as f64),
            Self::Errors => Some(summary.failed() as f64),
            Self::Dropped => Some(summary.dropped as f64),
            Self::Late => Some(summary.late as f64),
        }
    }
}

impl Threshold {
    /// Holds a summary against it.
    #[must_use]
    pub fn check(&self, summary: &Summary) -> Checked {
        let Some(measured) = self.metric.of(summary) else {
            return Checked { holds: false, line: format!("{}: nothing was measured", self.written) };
        };
        let holds = match self.comparison {
            Comparison::Less => measured < self.bound,
            Comparison::AtMost => measured <= self.bound,
            Comparison::More => measured > self.bound,
            Comparison::AtLeast => measured >= self.bound,
            Comparison::Equal => measured == self.bound,
            Comparison::Unequal => measured != self.bound,
        };
        let shown = match self.metric.kind() {
            Kind::Time => format_duration(rounded(Duration::from_secs_f64(measured))),
            Kind::Share => format!("{}%", trimmed(measured * 100.0)),
            Kind::Number => trimmed(measured),
        };
        Checked { holds, line: format!("{}: {shown}", self.written) }
    }
}

/// A number with at most four decimals, and none without need: 99.996 must not look like 100.
fn trimmed(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::hit::Hit;

    fn summary() -> Summary {
        let mut summary = Summary::default();
        for index in 0..100_u64 {
            summary.add(&Hit {
                code: if index == 0 { 503 } else { 200 },
                timestamp_ns: i64::try_from(index * 10_000_000).expect("small"),
                latency: Duration::from_millis(index + 1),
                delay: Some(Duration::from_micros(index)),
                ..Hit::default()
            });
        }
        summary
    }

    #[test]
    fn thresholds_hold_or_do_not() {
        for (text, holds, measured) in [
            ("p(95)<200ms", true, "95.027ms"),
            ("p(95) < 90", false, "95.027ms"),
            ("p(99.9)<=100ms", true, "100ms"),
            ("med<1s", true, "50.004ms"),
            ("avg<50.5ms", false, "50.5ms"),
            ("mean<=50.5", true, "50.5ms"),
            ("min>=1ms", true, "1ms"),
            ("max<0.1s", false, "100ms"),
            ("success>0.99", false, "99%"),
            ("success>=99%", true, "99%"),
            ("failed<0.02", true, "1%"),
            ("rate>100", true, "101.0101"),
            ("throughput>1", true, "90.8257"),
            ("requests==100", true, "100"),
            ("errors!=0", true, "1"),
            ("dropped==0", true, "0"),
            ("late<1", true, "0"),
            ("delay(99)<2ms", true, "98.047µs"),
            ("http_req_duration: p(95)<200", true, "95.027ms"),
            ("http_req_failed:rate<0.01", false, "1%"),
        ] {
            let checked = text.parse::<Threshold>().map(|threshold| threshold.check(&summary()));
            let checked = checked.unwrap_or_else(|error| panic!("{text}: {error}"));
            assert_eq!((checked.holds, checked.line), (holds, format!("{text}: {measured}")));
        }
    }

    #[test]
    fn what_was_not_measured_fails() {
        for text in ["p(95)<200ms", "success>0", "delay(99)<1s"] {
            let checked = text.parse::<Threshold>().expect("good").check(&Summary::default());
            assert_eq!(checked.to_string(), format!("✗ {text}: nothing was measured"));
        }
    }

    #[test]
    fn what_cannot_be_compared_says_what_would_be_right() {
        for (text, said) in [
            ("", "compares nothing"),
            ("p(95)", "compares nothing"),
            ("<5", "compares nothing"),
            ("p(95)<", "compares nothing"),
            ("p(95)=5", "compares nothing"),
            ("latency<5", "`latency` is no metric: p(95)"),
            ("p(101)<5", "from 0 to 100, not `101`"),
            ("p(x)<5", "from 0 to 100, not `x`"),
            ("p(95)<fast", "cannot be compared with `fast`: write a duration"),
            ("success>all", "write a share, like 0.99 or 99%"),
            ("rate>5ms", "write a number"),
            ("http_req_duration: rate<1", "is no metric"),
            ("checks: rate<1", "is no metric"),
        ] {
            let error = text.parse::<Threshold>().expect_err("wrong").to_string();
            assert!(error.contains(said), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_the_parser_panic(text in "(p\\(|delay\\(|success|rate)?[0-9.)<>=!:% a-z]{0,16}|\\PC{0,16}") {
            if let Ok(threshold) = text.parse::<Threshold>() {
                let _checked = threshold.check(&summary());
            }
        }
    }
}
