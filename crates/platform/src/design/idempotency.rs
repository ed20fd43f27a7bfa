//! `[idempotency]`: however often a call comes, it runs once, and everybody hears the same answer.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PositiveDuration;

/// Keys at the edge (the client's own) and at payment (one per order).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Idempotency {
    /// How long an answer is replayed; 1 h unless stated.
    #[serde(default = "expiry_default")]
    pub expiry: PositiveDuration,
    /// How long a key stays taken when whoever held it has crashed; 30 s unless stated. Longer than any call.
    #[serde(default = "lease_default")]
    pub lease: PositiveDuration,
}

pub(super) const fn expiry_default() -> PositiveDuration {
    PositiveDuration::from_secs(3_600)
}

pub(super) const fn lease_default() -> PositiveDuration {
    PositiveDuration::from_secs(30)
}
