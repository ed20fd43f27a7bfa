//! Idempotency records in Redis: a hash for each key.
//!
//! | field | what |
//! |---|---|
//! | `f` | the fingerprint |
//! | `c` | the claim: owner and number |
//! | `u` | until when, in nanoseconds since the epoch by the callers' clocks: 20 digits, so that texts compare like numbers (a script's numbers are doubles) |
//! | `o` | how many milliseconds the server's clock was before the caller's when the key was taken |
//! | `a` | the answer, once there is one |
//!
//! Whether a record is over is decided by the times that the callers give, as everywhere. Redis itself forgets it some
//! time later by its own clock ([`GRACE`]), only to make room; the difference of the two clocks is kept for that.

use std::sync::LazyLock;
use std::time::Duration;

use async_trait::async_trait;
use redis::Script;
use resilience::idempotency::{
    Answer, Ask, Beginning, Claim, Completion, IdempotencyRecords, Key, RecordsError,
};

use super::connection::Redis;

/// How long Redis keeps what is over: whoever crashed or was late may still complete, if nobody was quicker.
const GRACE: Duration = Duration::from_secs(600);

/// Nothing is kept for longer.
const KEPT_MAX: Duration = Duration::from_secs(10 * 365 * 24 * 3_600);

/// How many keys one step of a search looks at.
const STEP: usize = 500;

/// Fingerprint, claim, now, until, the same now in milliseconds, milliseconds until Redis forgets it.
static BEGIN: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local found = redis.call('HMGET', KEYS[1], 'f', 'c', 'u', 'a')
        if found[3] and found[3] > ARGV[3] then
            if found[1] ~= ARGV[1] then return {'mismatch', ''} end
            if found[4] then return {'completed', found[4]} end
            if found[2] ~= ARGV[2] then return {'in flight', found[3]} end
        end
        local time = redis.call('TIME')
        local before = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000) - tonumber(ARGV[5])
        redis.call('DEL', KEYS[1])
        redis.call('HSET', KEYS[1], 'f', ARGV[1], 'c', ARGV[2], 'u', ARGV[4], 'o', string.format('%.0f', before))
        redis.call('PEXPIRE', KEYS[1], ARGV[6])
        return {'begun', ''}
        ",
    )
});

/// Claim, answer, until, the same in milliseconds, the grace in milliseconds, the longest it is kept.
static COMPLETE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local found = redis.call('HMGET', KEYS[1], 'c', 'a', 'o')
        if found[1] ~= ARGV[1] then return 0 end
        if not found[2] then
            local time = redis.call('TIME')
            local now = tonumber(time[1]) * 1000 + math.floor(tonumber(time[2]) / 1000)
            local left = math.max(tonumber(ARGV[4]) + tonumber(found[3]) - now, 0) + tonumber(ARGV[5])
            redis.call('HSET', KEYS[1], 'a', ARGV[2], 'u', ARGV[3])
            redis.call('PEXPIRE', KEYS[1], string.format('%.0f', math.min(left, tonumber(ARGV[6]))))
        end
        return 1
        ",
    )
});

/// Claim.
static ABANDON: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local found = redis.call('HMGET', KEYS[1], 'c', 'a')
        if found[1] ~= ARGV[1] or found[2] then return 0 end
        return redis.call('DEL', KEYS[1])
        ",
    )
});

/// Now.
static EXPIRE: LazyLock<Script> = LazyLock::new(|| {
    Script::new(
        r"
        local gone = 0
        for _, key in ipairs(KEYS) do
            local until_when = redis.call('HGET', key, 'u')
            if until_when and until_when <= ARGV[1] then gone = gone + redis.call('DEL', key) end
        end
        return gone
        ",
    )
});

/// [`IdempotencyRecords`] in Redis. See [`crate::redis`] for what survives what.
#[derive(Clone, Debug)]
pub struct RedisRecords {
    redis: Redis,
}

impl RedisRecords {
    /// The records in this part of a server.
    #[must_use]
    pub const fn new(redis: Redis) -> Self {
        Self { redis }
    }

    /// A scope has no end of its own, so its length stands before it.
    fn key(&self, key: &Key) -> Vec<u8> {
        let length = format!("{}:", key.scope().len());
        self.redis.key("idempotency", &[length.as_bytes(), key.scope().as_bytes(), key.text().as_bytes()])
    }
}

#[async_trait]
impl IdempotencyRecords for RedisRecords {
    async fn begin(&self, ask: &Ask) -> Result<Beginning, RecordsError> {
        let lease = ask.lease_until.saturating_sub(ask.now);
        let mut script = BEGIN.key(self.key(&ask.key));
        script.arg(format!("{:032x}", ask.fingerprint.0)).arg(claim(ask.claim));
        script.arg(digits(ask.now)).arg(digits(ask.lease_until));
        script.arg(millis(ask.now)).arg(millis((lease + GRACE).min(KEPT_MAX)));
        let (said, more): (String, Vec<u8>) = self.redis.invoke(&script).await.map_err(unavailable)?;
        match &*said {
            "begun" => Ok(Beginning::Begun),
            "mismatch" => Ok(Beginning::Mismatch),
            "completed" => Ok(Beginning::Completed(more.into())),
            _in_flight => {
                let until = std::str::from_utf8(&more).ok().and_then(|digits| digits.parse().ok());
                let until = until.ok_or_else(|| unavailable("a record has no time".to_owned()))?;
                Ok(Beginning::InFlight { until: Duration::from_nanos(until) })
            }
        }
    }

    async fn complete(
        &self,
        key: &Key,
        claim: Claim,
        answer: &Answer,
        keep_until: Duration,
    ) -> Result<Completion, RecordsError> {
        let mut script = COMPLETE.key(self.key(key));
        script.arg(self::claim(claim)).arg(&*answer.0).arg(digits(keep_until)).arg(millis(keep_until));
        script.arg(millis(GRACE)).arg(millis(KEPT_MAX));
        let is_stored: bool = self.redis.invoke(&script).await.map_err(unavailable)?;
        Ok(if is_stored { Completion::Stored } else { Completion::Lost })
    }

    async fn abandon(&self, key: &Key, claim: Claim) -> Result<bool, RecordsError> {
        let mut script = ABANDON.key(self.key(key));
        script.arg(self::claim(claim));
        self.redis.invoke(&script).await.map_err(unavailable)
    }

    async fn expire(&self, now: Duration) -> Result<usize, RecordsError> {
        let mut pattern = self.redis.key("idempotency", &[]);
        pattern.push(b'*');
        let (mut cursor, mut gone) = (0_u64, 0);
        loop {
            let mut scan = redis::cmd("SCAN");
            scan.arg(cursor).arg("MATCH").arg(&pattern).arg("COUNT").arg(STEP);
            let (next, keys): (u64, Vec<Vec<u8>>) = self.redis.query(&scan).await.map_err(unavailable)?;
            if !keys.is_empty() {
                let mut script = EXPIRE.prepare_invoke();
                for key in keys {
                    script.key(key);
                }
                script.arg(digits(now));
                gone += self.redis.invoke::<usize>(&script).await.map_err(unavailable)?;
            }
            cursor = next;
            if cursor == 0 {
                return Ok(gone);
            }
        }
    }
}

fn unavailable(reason: String) -> RecordsError {
    RecordsError::Unavailable { reason }
}

fn claim(Claim { owner, number }: Claim) -> String {
    format!("{owner}-{number}")
}

/// Nanoseconds; 2⁶⁴ of them have 20 digits.
fn digits(time: Duration) -> String {
    format!("{:020}", u64::try_from(time.as_nanos()).unwrap_or(u64::MAX))
}

/// Rounded up: nothing is forgotten too soon.
fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX)
}
