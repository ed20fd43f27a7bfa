//! One request and what came of it, as it stands in a result file.
//!
//! The formats are vegeta's, so that its files are read here and ours there: JSON, one object a line
//! ([`write::HitWriter`], [`read::Hits`]), and CSV with twelve columns and no header. Its third, gob, is Go's own.
//!
//! What a [`Hit`] of ours says that vegeta's does not: `timestamp` is when the request was *meant* to be sent, and
//! `latency` runs from there. How much later it really left is `delay`, one more JSON key, which vegeta skips; the
//! twelve columns of CSV have no place for it. In a file of vegeta's, `timestamp` is the actual send and `delay`
//! is not there.

mod csv;
mod json;
mod read;
mod write;

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

pub use self::read::{Hits, LINE_BYTES_MAX, ReadError, ReadProblem};
pub use self::write::{HitFormat, HitWriter};

/// How the error of a request that was never sent begins. The CSV has no other mark.
pub const NOT_SENT: &str = "not sent: ";

/// Header names and their values.
pub type Headers = BTreeMap<String, Vec<String>>;

/// One request and what came of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Hit {
    /// The attack's name; often empty.
    pub attack: String,
    /// Its number within the attack, from 0 on.
    pub seq: u64,
    /// The status of the answer, 0 without one.
    pub code: u16,
    /// When it was meant to be sent (in a file of vegeta's: when it was sent), in nanoseconds since the Unix epoch.
    pub timestamp_ns: i64,
    /// From the timestamp to the end of the answer.
    pub latency: Duration,
    /// Bytes of the request's body.
    pub bytes_out: u64,
    /// Bytes of the answer's body.
    pub bytes_in: u64,
    /// What went wrong; empty when nothing did.
    pub error: String,
    /// The answer's body, or as much of it as was kept.
    pub body: Bytes,
    /// The request's method.
    pub method: String,
    /// The request's URL.
    pub url: String,
    /// The answer's headers; `None` without an answer.
    pub headers: Option<Headers>,
    /// How long after the timestamp it was sent; `None` where that is not known.
    pub delay: Option<Duration>,
}

impl Hit {
    /// Whether it was never sent, because too many were without an answer.
    #[must_use]
    pub fn was_dropped(&self) -> bool {
        self.code == 0 && self.error.starts_with(NOT_SENT)
    }

    /// Whether vegeta would call it a success: an answer from 200 to 399.
    #[must_use]
    pub fn succeeded(&self) -> bool {
        (200..400).contains(&self.code)
    }

    /// From the actual send to the end of the answer.
    #[must_use]
    pub fn latency_from_send(&self) -> Duration {
        self.latency.saturating_sub(self.delay.unwrap_or_default())
    }

    /// When the answer ended, in nanoseconds since the Unix epoch.
    #[must_use]
    pub fn end_ns(&self) -> i64 {
        self.timestamp_ns.saturating_add(i64::try_from(self.latency.as_nanos()).unwrap_or(i64::MAX))
    }
}

#[cfg(test)]
mod tests;
