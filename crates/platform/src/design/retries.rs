//! `[retries]`: try again what may well succeed, seldom enough to do no harm.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PositiveDuration, Probability};

/// How often order-processor repeats a call to payment, instead of at once and without limit.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Retries {
    /// Calls per order at most, the first included.
    pub attempts: NonZeroU32,
    /// The longest first pause; it doubles with each retry, and chance takes a part of it (full jitter).
    pub backoff: PositiveDuration,
    /// No pause is longer; 1 s unless stated.
    #[serde(default = "backoff_max_default")]
    pub backoff_max: PositiveDuration,
    /// Retries per first call, over all orders.
    pub budget_ratio: Probability,
    /// Retries per second that there are in any case.
    pub budget_floor_per_s: u32,
    /// How long a first call vouches for a retry; 10 s unless stated.
    #[serde(default = "budget_window_default")]
    pub budget_window: PositiveDuration,
    /// The most that is waited because payment asked for it (`Retry-After`); 1 s unless stated.
    #[serde(default = "backoff_max_default")]
    pub retry_after_max: PositiveDuration,
}

const fn backoff_max_default() -> PositiveDuration {
    PositiveDuration::from_secs(1)
}

const fn budget_window_default() -> PositiveDuration {
    PositiveDuration::from_secs(10)
}
