//! The decision at the door, as pure types: time and load in, admitted or refused out.
//!
//! `now` is the time since some fixed origin; a policy that is told an earlier time than before treats
//! it as no time having passed.

mod concurrency;
mod leaky_bucket;
mod token_bucket;

use std::num::NonZeroU32;
use std::time::Duration;

pub use concurrency::ConcurrencyLimit;
pub use leaky_bucket::LeakyBucket;
pub use token_bucket::{InvalidRate, Rate, TokenBucket};

use crate::refusal::Refusal;

/// How much of a limit is left, for whoever tells callers before they are refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    /// Calls that may come at once when nothing is used up.
    pub most: u32,
    /// Calls that could come now.
    pub left: u32,
    /// Of a rate: how long it takes to refill from nothing. `None` where places are given back instead.
    pub window: Option<Duration>,
    /// Of a rate: how long until all of it is there again, if nobody comes.
    pub whole_in: Option<Duration>,
}

impl Quota {
    /// Of so many places so many are taken.
    #[must_use]
    pub fn of_places(most: usize, taken: usize) -> Self {
        let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        Self { most: number(most), left: number(most.saturating_sub(taken)), window: None, whole_in: None }
    }
}

/// Which rule decides at the door.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Limiter {
    /// At most so many calls in flight.
    Concurrency(ConcurrencyLimit),
    /// At most so many calls per second.
    Rate(TokenBucket),
    /// The same, reckoned by what has not leaked yet.
    Leaky(LeakyBucket),
}

impl Limiter {
    /// At most `limit` calls in flight; the refused are told to come back after `retry_after`.
    #[must_use]
    pub const fn concurrency(limit: usize, retry_after: Duration) -> Self {
        Self::Concurrency(ConcurrencyLimit { limit, retry_after })
    }

    /// At most `rate` calls per second, and `burst` of them at once.
    #[must_use]
    pub const fn rate(rate: Rate, burst: NonZeroU32) -> Self {
        Self::Rate(TokenBucket::full(rate, burst))
    }

    /// At most `rate` calls per second, and `depth` of them at once.
    #[must_use]
    pub const fn leaky(rate: Rate, depth: NonZeroU32) -> Self {
        Self::Leaky(LeakyBucket::empty(rate, depth))
    }

    /// Whether one more call may come in while `in_flight` are inside. A token is taken if it may.
    ///
    /// # Errors
    /// The refusal to hand to the caller.
    pub fn admit(&mut self, now: Duration, in_flight: usize) -> Result<(), Refusal> {
        match self {
            Self::Concurrency(limit) => limit.admit(in_flight),
            Self::Rate(bucket) => bucket.admit(now),
            Self::Leaky(bucket) => bucket.pour(now).map(|_| ()),
        }
    }

    /// How much is left while `in_flight` are inside.
    #[must_use]
    pub fn quota(&self, now: Duration, in_flight: usize) -> Quota {
        match self {
            Self::Concurrency(limit) => Quota::of_places(limit.limit, in_flight),
            Self::Rate(bucket) => bucket.quota(now),
            Self::Leaky(bucket) => bucket.quota(now),
        }
    }

    /// Goes on by another rule. A bucket that follows a bucket keeps the tokens that are in it: changing
    /// a rate must not be a way to a fresh burst.
    pub fn change(&mut self, now: Duration, next: Self) {
        match (self, next) {
            (Self::Rate(bucket), Self::Rate(next)) => bucket.change(now, next.rate(), next.burst()),
            (Self::Leaky(bucket), Self::Leaky(next)) => bucket.change(now, next.rate(), next.depth()),
            (this, next) => *this = next,
        }
    }
}

#[cfg(test)]
mod tests;
