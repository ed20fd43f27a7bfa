//! Whether to try again and when, as a pure type: the class of a result in, a decision out.
//!
//! `now` is the time since some fixed origin.

use std::num::NonZeroU32;
use std::time::Duration;

use crate::budget::{Budget, BudgetLimits, Withdrawal};
use crate::class::Class;
use crate::randomness::clamped;

/// Exponential backoff with full jitter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// The longest first pause; it doubles with each retry. Default: 50 ms.
    pub base: Duration,
    /// No pause is longer. Default: 2 s.
    pub cap: Duration,
}

impl Default for Backoff {
    fn default() -> Self {
        Self { base: Duration::from_millis(50), cap: Duration::from_secs(2) }
    }
}

impl Backoff {
    /// No pause at all.
    pub const NONE: Self = Self { base: Duration::ZERO, cap: Duration::ZERO };

    /// The longest pause before a retry; the first one is number 0.
    #[must_use]
    pub fn longest(&self, retry: u32) -> Duration {
        let factor = 1_u32.checked_shl(retry).unwrap_or(u32::MAX);
        self.base.saturating_mul(factor).min(self.cap)
    }

    /// The pause before a retry: the longest one, times a number between 0 and 1.
    #[must_use]
    pub fn pause(&self, retry: u32, unit: f64) -> Duration {
        let longest = self.longest(retry);
        // A double may round a very long pause up beyond what a `Duration` holds.
        Duration::try_from_secs_f64(longest.as_secs_f64() * clamped(unit)).unwrap_or(longest).min(longest)
    }
}

/// How often and how soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RetryLimits {
    /// The most attempts for one call, the first included. Default: 3.
    pub attempts_max: NonZeroU32,
    /// The pauses in between.
    pub backoff: Backoff,
    /// The most that is waited because the other side asked for it. Default: 10 s.
    pub retry_after_max: Duration,
    /// How many retries there may be over all calls.
    pub budget: BudgetLimits,
}

impl Default for RetryLimits {
    fn default() -> Self {
        Self {
            attempts_max: NonZeroU32::new(3).expect("not zero"),
            backoff: Backoff::default(),
            retry_after_max: Duration::from_secs(10),
            budget: BudgetLimits::default(),
        }
    }
}

/// Why there is no other attempt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum GiveUp {
    /// Another attempt would fail likewise.
    NotRetryable,
    /// It may have had its effect, and must not have it twice.
    Unsafe,
    /// There were as many attempts as there may be.
    AttemptsSpent,
    /// The pause would not end before the deadline.
    DeadlineNear,
    /// There are too many retries already, over all calls.
    BudgetSpent,
}

impl GiveUp {
    /// All of them.
    pub const ALL: [Self; 5] =
        [Self::NotRetryable, Self::Unsafe, Self::AttemptsSpent, Self::DeadlineNear, Self::BudgetSpent];

    /// A stable name, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NotRetryable => "not-retryable",
            Self::Unsafe => "unsafe",
            Self::AttemptsSpent => "attempts-spent",
            Self::DeadlineNear => "deadline-near",
            Self::BudgetSpent => "budget-spent",
        }
    }
}

/// What to do with a result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decision {
    /// Hand it out: it is a success.
    Done,
    /// Hand it out, for want of a better one.
    GiveUp(GiveUp),
    /// Try again after a pause. It is paid for, and may be paid back as long as it was not begun.
    Retry {
        /// The pause.
        after: Duration,
        /// What was taken from the budget.
        paid: Withdrawal,
    },
}

/// The policy with its budget.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retries {
    limits: RetryLimits,
    budget: Budget,
}

impl Retries {
    /// With a fresh budget.
    #[must_use]
    pub fn new(limits: RetryLimits) -> Self {
        Self { limits, budget: Budget::new(limits.budget) }
    }

    /// A call begins with its first attempt: it earns its share of a retry.
    pub fn begin(&mut self, now: Duration) {
        self.budget.deposit(now);
    }

    /// So many calls began lately, before [`Retries::settled_until_ns`].
    pub(super) const fn begin_late(&mut self, calls: u64) {
        self.budget.deposit_late(calls);
    }

    /// Until then (exclusively) it makes no difference when a call begins.
    pub(super) const fn settled_until_ns(&self) -> u128 {
        self.budget.settled_until_ns()
    }

    /// Attempt number `attempt` (the first is 1) has ended; `remaining` is left until the deadline, if there
    /// is one. `unit` is drawn only when there may be a pause.
    pub fn decide(
        &mut self,
        now: Duration,
        attempt: u32,
        class: Class,
        remaining: Option<Duration>,
        unit: impl FnOnce() -> f64,
    ) -> Decision {
        let asked = match class {
            Class::Success => return Decision::Done,
            Class::Failure { retryable: false, .. } => return Decision::GiveUp(GiveUp::NotRetryable),
            Class::Unknown { safe_to_retry: false } => return Decision::GiveUp(GiveUp::Unsafe),
            Class::Failure { retryable: true, retry_after } => retry_after.unwrap_or_default(),
            Class::Unknown { safe_to_retry: true } => Duration::ZERO,
        };
        if attempt >= self.limits.attempts_max.get() {
            return Decision::GiveUp(GiveUp::AttemptsSpent);
        }
        let jitter = self.limits.backoff.pause(attempt.saturating_sub(1), unit());
        let after = asked.min(self.limits.retry_after_max).saturating_add(jitter);
        if remaining.is_some_and(|remaining| after >= remaining) {
            return Decision::GiveUp(GiveUp::DeadlineNear);
        }
        // Last, so that nothing is paid for what is not done.
        match self.budget.withdraw(now) {
            Some(paid) => Decision::Retry { after, paid },
            None => Decision::GiveUp(GiveUp::BudgetSpent),
        }
    }

    /// A retry that was paid for is not begun after all.
    pub fn put_back(&mut self, now: Duration, paid: Withdrawal) {
        self.budget.put_back(now, paid);
    }

    /// How many retries the budget has right now.
    #[must_use]
    pub fn available(&mut self, now: Duration) -> u64 {
        self.budget.available(now)
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &RetryLimits {
        &self.limits
    }

    /// Other limits from now on; what was earned and spent stays.
    pub fn set_limits(&mut self, now: Duration, limits: RetryLimits) {
        self.budget.set_limits(now, limits.budget);
        self.limits = limits;
    }
}

#[cfg(test)]
mod tests;
