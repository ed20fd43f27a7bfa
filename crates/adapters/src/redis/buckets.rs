//! Buckets of tokens in Redis, by its own clock.
//!
//! The arithmetic is the token bucket's with microseconds for nanoseconds: a level in units of 10⁻¹² tokens, to which
//! one microsecond adds the rate in millionths of a token per second. A script's numbers are doubles: exact up to a
//! burst of 9,007 tokens, and to one part in 10¹⁵ above.
//!
//! One thing differs: a clock that was set back. The bucket goes on from there without the tokens of the time in
//! between; it does not wait until the clock is where it was.

use std::num::NonZeroU32;
use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;
use resilience::admission::Rate;
use resilience::admission::shared_rate::{BucketsError, SharedBuckets, Taken};

use super::connection::Redis;

/// Rate in millionths per second, burst, and the time in microseconds, which is empty for the server's own. Says whether
/// there was a token, and how many are left or how many microseconds there is none.
static TAKE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local token, longest = 1e12, 1e12
        local rate, burst = tonumber(ARGV[1]), tonumber(ARGV[2]) * token
        local now = tonumber(ARGV[3])
        if not now then
            local time = redis.call('TIME')
            now = tonumber(time[1]) * 1e6 + tonumber(time[2])
        end
        local level = burst
        local found = redis.call('HMGET', KEYS[1], 'level', 'at', 'rate')
        if found[1] then
            local elapsed = math.max(now - tonumber(found[2]), 0)
            level = math.min(tonumber(found[1]) + elapsed * tonumber(found[3]), burst)
        end
        local is_taken = level >= token
        if is_taken then level = level - token end
        local function whole(number) return string.format('%.0f', number) end
        redis.call('HSET', KEYS[1], 'level', whole(level), 'at', whole(now), 'rate', whole(rate))
        -- A full bucket need not be remembered: one that nobody knows is full.
        local fills = math.ceil((burst - level) / rate / 1000) + 1000
        redis.call('PEXPIRE', KEYS[1], whole(math.min(fills, longest)))
        if is_taken then return {1, whole(math.floor(level / token))} end
        return {0, whole(math.ceil((token - level) / rate))}
        ",
    )
});

/// [`SharedBuckets`] in Redis.
#[derive(Clone, Debug)]
pub struct RedisBuckets {
    redis: Redis,
}

impl RedisBuckets {
    /// The buckets in this part of a server.
    #[must_use]
    pub const fn new(redis: Redis) -> Self {
        Self { redis }
    }

    async fn take_at(
        &self,
        name: &str,
        rate: Rate,
        burst: NonZeroU32,
        now_us: Option<u64>,
    ) -> Result<Taken, BucketsError> {
        let mut script = TAKE.key(self.redis.key("bucket", &[name.as_bytes()]));
        script.arg(rate.millionths_per_s()).arg(burst.get());
        script.arg(now_us.map(|now_us| now_us.to_string()).unwrap_or_default());
        let taken = self.redis.invoke(&script).await;
        let (is_taken, number): (bool, u64) = taken.map_err(|reason| BucketsError { reason })?;
        Ok(if is_taken {
            Taken::Token { left: u32::try_from(number).unwrap_or(u32::MAX) }
        } else {
            Taken::Empty { retry_after: Duration::from_micros(number) }
        })
    }
}

#[async_trait]
impl SharedBuckets for RedisBuckets {
    async fn take(&self, name: &str, rate: Rate, burst: NonZeroU32) -> Result<Taken, BucketsError> {
        self.take_at(name, rate, burst, None).await
    }
}

#[cfg(test)]
mod tests {
    use node::{Node, RealOptions, draw};
    use rand::Rng as _;
    use resilience::admission::TokenBucket;

    use super::*;
    use crate::redis::RedisSettings;

    /// The script and the pure rule, side by side, over times that nobody waits for.
    #[tokio::test]
    async fn the_script_is_the_token_bucket() {
        let Ok(url) = std::env::var("FAILFIRST_TEST_REDIS") else {
            let is_required = std::env::var("FAILFIRST_REQUIRE_SERVICES").is_ok_and(|value| value == "1");
            assert!(!is_required, "FAILFIRST_TEST_REDIS is not set");
            eprintln!("skipped: FAILFIRST_TEST_REDIS is not set (eval \"$(scripts/dev-services start)\")");
            return;
        };
        let node = Node::real(RealOptions::default());
        let mut rng = node.rng("times");
        let redis = Redis::open(&url.parse().expect("a URL"), "script-test", RedisSettings::default());
        let buckets = RedisBuckets::new(redis.expect("a prefix"));
        for (per_s, burst) in [(0.5, 1), (10.0, 3), (33.3, 7), (1_000.0, 50)] {
            let rate = Rate::per_second(per_s).expect("a valid rate");
            let burst = NonZeroU32::new(burst).expect("not zero");
            let name = format!("{per_s} {burst} {:?}", node.elapsed());
            let mut model = TokenBucket::full(rate, burst);
            let mut now_us = 1_600_000_000_000_000;
            for step in 0..200 {
                let now = Duration::from_micros(now_us);
                let expected =
                    model.admit(now).map(|()| model.available(now)).map_err(|refusal| refusal.retry_after);
                let said =
                    buckets.take_at(&name, rate, burst, Some(now_us)).await.expect("the server is there");
                match (said, expected) {
                    (Taken::Token { left }, Ok(model_left)) => {
                        assert_eq!(left, model_left, "step {step} of {name}")
                    }
                    (Taken::Empty { retry_after }, Err(exactly)) => {
                        let rounded = Duration::from_micros(exactly.as_nanos().div_ceil(1_000) as u64);
                        assert_eq!(retry_after, rounded, "step {step} of {name}");
                    }
                    (said, expected) => panic!("step {step} of {name}: {said:?}, not {expected:?}"),
                }
                let spread_us = 2e6 / per_s;
                now_us += draw::uniform(&mut rng, 0.0, spread_us) as u64
                    * u64::from(!rng.next_u32().is_multiple_of(4));
            }
        }
    }
}
