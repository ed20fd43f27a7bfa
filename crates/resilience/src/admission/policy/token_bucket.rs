//! At most so many calls per second, with a burst.
//!
//! The token bucket (as in ITU-T I.371 and RFC 2697): tokens drip in at a constant rate up to `burst`,
//! each call takes one. The level is an integer in units of 10⁻¹⁵ tokens and the rate an integer in
//! 10⁻⁶ tokens per second, so one nanosecond adds exactly `rate` units: nothing is ever rounded, and
//! the bucket does not drift however often or seldom it is asked. There is no refill task; the level is
//! brought up to date when somebody asks.
//!
//! The wait until the next token follows exactly: a refused caller that comes back after `retry_after`
//! (and finds nobody before it) is admitted, and one nanosecond earlier it would not have been.

use std::num::NonZeroU32;
use std::time::Duration;

use thiserror::Error;

use super::Quota;
use crate::refusal::{Reason, Refusal};

/// One token, in units of the level: 10⁹ nanoseconds per second × 10⁶ millionths.
pub(super) const TOKEN: u128 = 1_000_000_000_000_000;

/// Tokens per second: from one millionth to a thousand million, in steps of one millionth.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Rate {
    millionths_per_s: u64,
}

/// Not a rate that a bucket can keep.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a rate must be between 0.000001 and 1000000000 per second, not {given}")]
pub struct InvalidRate {
    /// What was given.
    pub given: f64,
}

impl Rate {
    /// So many per second, rounded to millionths.
    ///
    /// # Errors
    /// When the number is not finite, below 10⁻⁶ or above 10⁹.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked: at most 10^15, exact in a double and in a u64"
    )]
    pub fn per_second(given: f64) -> Result<Self, InvalidRate> {
        if !(1e-6..=1e9).contains(&given) {
            return Err(InvalidRate { given });
        }
        Ok(Self { millionths_per_s: (given * 1e6).round() as u64 })
    }

    /// The rate in millionths of a token per second.
    #[must_use]
    pub const fn millionths_per_s(self) -> u64 {
        self.millionths_per_s
    }

    /// How long so much takes to drip, in units of a level, rounded up.
    pub(super) fn time_for(self, units: u128) -> Duration {
        let wait_ns = units.div_ceil(self.units_per_ns());
        Duration::from_nanos(u64::try_from(wait_ns).unwrap_or(u64::MAX))
    }

    pub(super) fn units_per_ns(self) -> u128 {
        u128::from(self.millionths_per_s)
    }
}

/// A bucket of tokens. See the module for its arithmetic.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBucket {
    rate: Rate,
    burst: NonZeroU32,
    /// Never above `burst` tokens.
    level: u128,
    /// When `level` was right.
    at: Duration,
}

impl TokenBucket {
    /// A full bucket.
    #[must_use]
    pub const fn full(rate: Rate, burst: NonZeroU32) -> Self {
        // Widening; `u128::from` is not const.
        Self { rate, burst, level: burst.get() as u128 * TOKEN, at: Duration::ZERO }
    }

    /// Takes a token, if there is a whole one.
    ///
    /// # Errors
    /// A refusal with the exact time until there will be one.
    pub fn admit(&mut self, now: Duration) -> Result<(), Refusal> {
        self.refill(now);
        if self.level >= TOKEN {
            self.level -= TOKEN;
            return Ok(());
        }
        Err(Refusal { reason: Reason::RateLimit, retry_after: self.rate.time_for(TOKEN - self.level) })
    }

    /// Another rate and burst from now on, with the tokens that are there (as far as they fit).
    pub fn change(&mut self, now: Duration, rate: Rate, burst: NonZeroU32) {
        self.refill(now);
        self.rate = rate;
        self.burst = burst;
        self.level = self.level.min(self.level_max());
    }

    /// Whole tokens in the bucket.
    #[must_use]
    pub fn available(&self, now: Duration) -> u32 {
        let mut bucket = self.clone();
        bucket.refill(now);
        u32::try_from(bucket.level / TOKEN).unwrap_or(u32::MAX)
    }

    /// How much is left.
    #[must_use]
    pub fn quota(&self, now: Duration) -> Quota {
        let mut bucket = self.clone();
        bucket.refill(now);
        Quota {
            most: bucket.burst.get(),
            left: u32::try_from(bucket.level / TOKEN).unwrap_or(u32::MAX),
            window: Some(bucket.rate.time_for(bucket.level_max())),
            whole_in: Some(bucket.rate.time_for(bucket.level_max() - bucket.level)),
        }
    }

    /// Tokens per second.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// The most tokens there can be.
    #[must_use]
    pub const fn burst(&self) -> NonZeroU32 {
        self.burst
    }

    fn level_max(&self) -> u128 {
        u128::from(self.burst.get()) * TOKEN
    }

    /// Adds what has dripped in since last time. Saturates: after an eternity the bucket is full.
    fn refill(&mut self, now: Duration) {
        let elapsed_ns = now.saturating_sub(self.at).as_nanos();
        let dripped = elapsed_ns.saturating_mul(self.rate.units_per_ns());
        self.level = self.level.saturating_add(dripped).min(self.level_max());
        self.at = self.at.max(now);
    }
}
