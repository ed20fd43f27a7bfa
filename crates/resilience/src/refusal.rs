//! Refusals: a call that was not let in, why, and when to come back.
//!
//! A refusal is a decision and not a failure: nothing was begun, so the caller may safely repeat it.

use std::fmt;
use std::time::Duration;

use thiserror::Error;

/// A call was refused before anything was begun.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("refused: {reason}")]
pub struct Refusal {
    /// Which bound was reached.
    pub reason: Reason,
    /// When it makes sense to ask again: computed where the policy can know it, a configured hint where not.
    pub retry_after: Duration,
}

impl Refusal {
    /// `retry_after` in whole seconds as the `Retry-After` header wants it: rounded up, and at least 1,
    /// because 0 would invite an immediate repetition.
    #[must_use]
    pub const fn retry_after_s(&self) -> u64 {
        let whole = self.retry_after.as_secs();
        let rounded = if self.retry_after.subsec_nanos() > 0 { whole.saturating_add(1) } else { whole };
        if rounded == 0 { 1 } else { rounded }
    }
}

/// The bound that was reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// As many calls as allowed are in flight.
    ConcurrencyLimit,
    /// More calls per second than allowed.
    RateLimit,
    /// All workers are busy and the queue is full.
    QueueFull,
    /// What the caller's own side refuses, because the other side refused so much lately.
    Throttled,
    /// The tenant has its share of the limit already.
    FairShare,
    /// What is left is reserved for calls of a higher priority.
    LowPriority,
    /// It could not be done before its deadline any more.
    Doomed,
    /// It waited too long in a queue that does not drain.
    QueueDelay,
    /// Nobody granted the caller this demand.
    NoCredit,
    /// The dependency failed too often lately, and is left alone or only probed.
    BreakerOpen,
}

impl Reason {
    /// All reasons.
    pub const ALL: [Self; 10] = [
        Self::ConcurrencyLimit,
        Self::RateLimit,
        Self::QueueFull,
        Self::Throttled,
        Self::FairShare,
        Self::LowPriority,
        Self::Doomed,
        Self::QueueDelay,
        Self::NoCredit,
        Self::BreakerOpen,
    ];

    /// A stable name, for metrics and problem types.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ConcurrencyLimit => "concurrency-limit",
            Self::RateLimit => "rate-limit",
            Self::QueueFull => "queue-full",
            Self::Throttled => "throttled",
            Self::FairShare => "fair-share",
            Self::LowPriority => "low-priority",
            Self::Doomed => "doomed",
            Self::QueueDelay => "queue-delay",
            Self::NoCredit => "no-credit",
            Self::BreakerOpen => "breaker-open",
        }
    }
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConcurrencyLimit => "too many calls in flight",
            Self::RateLimit => "too many calls per second",
            Self::QueueFull => "all workers are busy and the queue is full",
            Self::Throttled => "the other side refused too much lately",
            Self::FairShare => "the tenant has its share already",
            Self::LowPriority => "what is left is for calls of a higher priority",
            Self::Doomed => "it could not be done before its deadline",
            Self::QueueDelay => "it waited too long in a queue that does not drain",
            Self::NoCredit => "no credit was granted",
            Self::BreakerOpen => "the dependency failed too often lately",
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn retry_after_is_rounded_up_and_never_zero() {
        let seconds = |d| Refusal { reason: Reason::RateLimit, retry_after: d }.retry_after_s();
        assert_eq!(seconds(Duration::ZERO), 1);
        assert_eq!(seconds(Duration::from_millis(6)), 1);
        assert_eq!(seconds(Duration::from_secs(2)), 2);
        assert_eq!(seconds(Duration::from_nanos(2_000_000_001)), 3);
        assert_eq!(seconds(Duration::MAX), u64::MAX);
    }
}
