//! So many calls per second, evenly.
//!
//! The leaky bucket (Turner, 1986): each call pours a drop in, the bucket leaks at a constant rate, and
//! what would overflow is refused. It can be read in two ways, and is used in both:
//!
//! * **As a meter** ([`Limiter`](super::Limiter)): a call comes in at once or not at all. That is the token
//!   bucket seen from below (ITU-T I.371 calls both the generic cell rate algorithm): a bucket of `depth`
//!   drops lets exactly those through that a bucket of `depth` tokens does.
//! * **As a queue** ([`LeakyBucket::pour`], the `leaky-bucket` strategy of
//!   [`backpressure`](crate::backpressure)): a call begins when its drop leaks out. So whatever comes, what
//!   goes on has no bursts at all, at the price of waiting: at most (`depth` − 1) ÷ rate.
//!
//! The arithmetic is that of the token bucket: integers, nothing rounded, no drift.

use std::num::NonZeroU32;
use std::time::Duration;

use super::Quota;
use super::token_bucket::{Rate, TOKEN};
use crate::refusal::{Reason, Refusal};

/// A bucket that leaks. See the module.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeakyBucket {
    rate: Rate,
    depth: NonZeroU32,
    /// Never above `depth` drops, unless the depth was lowered.
    level: u128,
    /// When `level` was right.
    at: Duration,
}

impl LeakyBucket {
    /// An empty bucket that leaks `rate` and holds `depth` drops.
    #[must_use]
    pub const fn empty(rate: Rate, depth: NonZeroU32) -> Self {
        Self { rate, depth, level: 0, at: Duration::ZERO }
    }

    /// Pours a drop in, if there is room: how long it takes until it has leaked to the hole, zero for the
    /// first one.
    ///
    /// # Errors
    /// A refusal with the exact time until there will be room.
    pub fn pour(&mut self, now: Duration) -> Result<Duration, Refusal> {
        self.leak(now);
        let room = u128::from(self.depth.get()) * TOKEN;
        if self.level + TOKEN > room {
            return Err(Refusal {
                reason: Reason::RateLimit,
                retry_after: self.rate.time_for(self.level + TOKEN - room),
            });
        }
        let delay = self.rate.time_for(self.level);
        self.level += TOKEN;
        Ok(delay)
    }

    /// Another rate and depth from now on, with what is in it. Delays that were promised stay.
    pub fn change(&mut self, now: Duration, rate: Rate, depth: NonZeroU32) {
        self.leak(now);
        self.rate = rate;
        self.depth = depth;
    }

    /// Drops in the bucket, begun ones included.
    #[must_use]
    pub fn level(&self, now: Duration) -> u32 {
        let mut bucket = self.clone();
        bucket.leak(now);
        u32::try_from(bucket.level.div_ceil(TOKEN)).unwrap_or(u32::MAX)
    }

    /// How much room is left.
    #[must_use]
    pub fn quota(&self, now: Duration) -> Quota {
        let mut bucket = self.clone();
        bucket.leak(now);
        let room = u128::from(bucket.depth.get()) * TOKEN;
        Quota {
            most: bucket.depth.get(),
            left: u32::try_from(room.saturating_sub(bucket.level) / TOKEN).unwrap_or(u32::MAX),
            window: Some(bucket.rate.time_for(room)),
            whole_in: Some(bucket.rate.time_for(bucket.level)),
        }
    }

    /// Drops per second.
    #[must_use]
    pub const fn rate(&self) -> Rate {
        self.rate
    }

    /// The most drops it holds.
    #[must_use]
    pub const fn depth(&self) -> NonZeroU32 {
        self.depth
    }

    fn leak(&mut self, now: Duration) {
        let elapsed_ns = now.saturating_sub(self.at).as_nanos();
        self.level = self.level.saturating_sub(elapsed_ns.saturating_mul(self.rate.units_per_ns()));
        self.at = self.at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::TokenBucket;
    use super::*;

    fn bucket(per_s: f64, depth: u32) -> LeakyBucket {
        let rate = Rate::per_second(per_s).expect("a valid rate");
        LeakyBucket::empty(rate, NonZeroU32::new(depth).expect("not zero"))
    }

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn what_comes_in_a_burst_leaves_evenly() {
        let mut bucket = bucket(10.0, 3);
        let delays: Vec<_> = (0..3).map(|_| bucket.pour(ms(0)).expect("room")).collect();
        assert_eq!(delays, [ms(0), ms(100), ms(200)]);
        let refusal = bucket.pour(ms(30)).expect_err("it is full");
        assert_eq!(refusal, Refusal { reason: Reason::RateLimit, retry_after: ms(70) });
        assert_eq!((bucket.pour(ms(100)), bucket.level(ms(100))), (Ok(ms(200)), 3));
        assert_eq!((bucket.level(ms(1000)), bucket.pour(ms(1000))), (0, Ok(ms(0))));
    }

    #[test]
    fn another_rate_finds_the_same_drops() {
        let mut bucket = bucket(1.0, 2);
        bucket.pour(ms(0)).expect("room");
        bucket.pour(ms(0)).expect("room");
        bucket.change(ms(0), Rate::per_second(10.0).expect("valid"), NonZeroU32::MIN);
        let refusal = bucket.pour(ms(0)).expect_err("smaller, and fuller than full");
        assert_eq!(refusal.retry_after, ms(200));
        assert_eq!(bucket.pour(ms(200)), Ok(ms(0)));
    }

    proptest! {
        /// Starts are at least 1 ÷ rate apart, and nobody waits longer than the depth says.
        #[test]
        fn starts_are_evenly_spaced(
            per_s in 1.0..1000.0_f64,
            depth in 1..20_u32,
            gaps in prop::collection::vec(prop_oneof![Just(0), 0..50_u64, 0..2000_u64], 1..200),
        ) {
            let mut bucket = bucket(per_s, depth);
            let wait_max = Duration::from_secs_f64(f64::from(depth - 1) / per_s) + Duration::from_micros(1);
            let spacing = Duration::from_secs_f64(1.0 / per_s).saturating_sub(Duration::from_micros(1));
            let (mut now, mut last) = (Duration::ZERO, None);
            for gap in gaps {
                now += ms(gap);
                match bucket.pour(now) {
                    Ok(delay) => {
                        prop_assert!(delay <= wait_max);
                        prop_assert!(last.is_none_or(|last| now + delay >= last + spacing));
                        last = Some(now + delay);
                    }
                    Err(refusal) => prop_assert!(bucket.clone().pour(now + refusal.retry_after).is_ok()),
                }
            }
        }

        /// The same thing seen from below: it lets through what the token bucket does.
        #[test]
        fn as_a_meter_it_is_the_token_bucket(
            per_s in 1.0..1000.0_f64,
            depth in 1..20_u32,
            gaps in prop::collection::vec(prop_oneof![Just(0), 0..50_u64, 0..2000_u64], 1..200),
        ) {
            let mut leaky = bucket(per_s, depth);
            let mut tokens = TokenBucket::full(leaky.rate(), leaky.depth());
            let mut now = Duration::ZERO;
            for gap in gaps {
                now += ms(gap);
                prop_assert_eq!(leaky.pour(now).map(|_| ()), tokens.admit(now));
            }
        }
    }
}
