//! Latencies in buckets of one's own: `[0,10ms,100ms]`.

use std::fmt::Write as _;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::duration::{format_duration, parse_duration};
use crate::quantity::LoadError;

/// The most buckets.
pub const BUCKETS_MAX: usize = 10_000;

/// The width of the longest bar.
const BAR: f64 = 75.0;

/// Why buckets cannot be.
#[derive(Clone, Debug, Error, PartialEq)]
pub enum BucketsError {
    /// Not a list in brackets.
    #[error("`{0}` are no buckets: write their lower bounds in brackets, like [0,10ms,100ms]")]
    Syntax(String),
    /// A bound that is no duration.
    #[error(transparent)]
    Bound(#[from] LoadError),
    /// Not ascending.
    #[error("buckets ascend: {} does not come after {}", format_duration(*.1), format_duration(*.0))]
    Order(Duration, Duration),
    /// Too many.
    #[error("at most {BUCKETS_MAX} buckets")]
    TooMany,
}

/// Counts of latencies between bounds; the last bucket has no upper one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Buckets {
    bounds: Vec<Duration>,
    counts: Vec<u64>,
}

impl FromStr for Buckets {
    type Err = BucketsError;

    fn from_str(text: &str) -> Result<Self, BucketsError> {
        let inner = text.trim().strip_prefix('[').and_then(|text| text.strip_suffix(']'));
        let inner = inner.ok_or_else(|| BucketsError::Syntax(text.to_owned()))?;
        let mut bounds = Vec::new();
        for part in inner.split(',') {
            let bound = parse_duration(part)?;
            match bounds.last() {
                // What is below the first bound has a bucket of its own, as in vegeta.
                None if !bound.is_zero() => bounds.push(Duration::ZERO),
                Some(&last) if last >= bound => return Err(BucketsError::Order(last, bound)),
                _ => {}
            }
            bounds.push(bound);
            if bounds.len() > BUCKETS_MAX {
                return Err(BucketsError::TooMany);
            }
        }
        Ok(Self { counts: vec![0; bounds.len()], bounds })
    }
}

impl Buckets {
    /// Counts one latency.
    pub fn add(&mut self, latency: Duration) {
        let above = self.bounds.partition_point(|bound| *bound <= latency);
        self.counts[above.saturating_sub(1)] += 1;
    }

    /// Each lower bound with its count.
    pub fn counts(&self) -> impl Iterator<Item = (Duration, u64)> + '_ {
        self.bounds.iter().copied().zip(self.counts.iter().copied())
    }

    /// The histogram as text, with vegeta's columns.
    #[must_use]
    pub fn text(&self) -> String {
        let total: u64 = self.counts.iter().sum();
        let lows: Vec<_> = self.bounds.iter().map(|bound| format!("[{},", format_duration(*bound))).collect();
        let highs = self.bounds.iter().skip(1).map(|bound| format!("{}]", format_duration(*bound)));
        let highs: Vec<_> = highs.chain(["+Inf]".to_owned()]).collect();
        let counts: Vec<_> = self.counts.iter().map(u64::to_string).collect();
        let shares =
            self.counts.iter().map(|count| if total == 0 { 0.0 } else { *count as f64 / total as f64 });
        let shares: Vec<f64> = shares.collect();
        let percents: Vec<_> = shares.iter().map(|share| format!("{:.2}%", share * 100.0)).collect();
        let (low, high) = (width("Bucket", &lows), width("", &highs));
        let (count, percent) = (width("#", &counts), width("%", &percents));
        let mut text = String::new();
        let mut row = |cells: [&str; 4], bar: &str| {
            let [a, b, c, d] = cells;
            let _infallible = writeln!(text, "{a:<low$}{b:<high$}{c:<count$}{d:<percent$}{bar}");
        };
        row(["Bucket", "", "#", "%"], "Histogram");
        for (i, share) in shares.iter().enumerate() {
            row([&lows[i], &highs[i], &counts[i], &percents[i]], &"#".repeat((share * BAR) as usize));
        }
        text
    }
}

/// As wide as the widest cell, and two spaces.
fn width(title: &str, cells: &[String]) -> usize {
    let widest = cells.iter().map(|cell| cell.chars().count()).max().unwrap_or(0);
    widest.max(title.len()) + 2
}
