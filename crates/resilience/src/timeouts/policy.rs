//! How long a call is waited for, as arithmetic: the time and the carried deadline in, an allotment out.

use std::time::Duration;

use tokio::time::Instant;

use super::deadline::Deadline;

/// What a timeout spans.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Scope {
    /// All that is done for a request: every attempt, pause and queue.
    Request,
    /// One attempt.
    Attempt,
}

impl Scope {
    /// A stable name, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Request => "request",
            Self::Attempt => "attempt",
        }
    }
}

/// How long a call may take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TimeLimits {
    /// What is limited; it changes no arithmetic and is told to whoever has to do with the end.
    pub scope: Scope,
    /// The most time, whatever the request carries. `None`: only what it carries counts.
    pub limit: Option<Duration>,
    /// Taken off the carried deadline: what this side needs afterwards, to answer in time. Default: nothing.
    pub reserve: Duration,
    /// With less than this left it is not worth beginning. Default: nothing, so that any time left is enough.
    pub least: Duration,
}

impl TimeLimits {
    /// A limit for all that is done for a request.
    #[must_use]
    pub const fn request(limit: Duration) -> Self {
        Self { scope: Scope::Request, limit: Some(limit), reserve: Duration::ZERO, least: Duration::ZERO }
    }

    /// A limit for each attempt.
    #[must_use]
    pub const fn attempt(limit: Duration) -> Self {
        Self { scope: Scope::Attempt, ..Self::request(limit) }
    }

    /// What a call that begins `now` gets: the earlier of the limit and of the carried deadline less the reserve.
    #[must_use]
    #[inline]
    pub fn allot(&self, now: Instant, carried: Option<Deadline>) -> Allotment {
        let carried = carried.map(|deadline| deadline.remaining(now).saturating_sub(self.reserve));
        let time = match (carried, self.limit) {
            (Some(carried), Some(limit)) => carried.min(limit),
            (Some(time), None) | (None, Some(time)) => time,
            (None, None) => return Allotment::Unlimited,
        };
        if time.is_zero() || time < self.least {
            return Allotment::Expired;
        }
        Allotment::Until(Deadline::after(now, time))
    }
}

/// What a call gets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Allotment {
    /// There is no end to it.
    Unlimited,
    /// It has until then.
    Until(Deadline),
    /// There is no time left to begin it.
    Expired,
}

#[cfg(test)]
mod tests;
