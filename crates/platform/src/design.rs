//! A design: one state of the platform, resolved and valid.
//!
//! Every value is checked by its own type while it is read, not in a pass afterwards, so that an error in
//! a TOML file carries the line it stands on. What depends on two values at once (a rate without its
//! `rate_per_s`) is checked when its section is complete and carries the section's line. Files and their
//! `extends` are the laboratory's business; here a design already is what it is.

mod breaker;
mod composition;
mod idempotency;
mod observability;
mod payment;
mod retries;
mod timeouts;
mod values;

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::breaker::Breaker;
pub use self::composition::Composition;
pub use self::idempotency::Idempotency;
pub use self::observability::{
    DependencyAlerts, ObjectiveAlerts, Observability, OrderAlerts, SaturationAlerts, Traces,
};
pub use self::payment::{Payment, Profile, ServiceTime, UniformSpan};
pub use self::retries::Retries;
pub use self::timeouts::Timeouts;
pub use self::values::{PositiveDuration, PositiveRate, Probability, Sigma, ValueError};

/// How long a refused client is told to wait when the design does not say.
pub const RETRY_AFTER_DEFAULT: PositiveDuration = PositiveDuration::from_secs(1);

/// One state of the platform: its topology, its hardship, and its constraints.
///
/// A constraint that is `None` is not there: no layer, no bound.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Design {
    /// The name it is known by, for example `v0.2.0`.
    pub name: String,
    /// Which services there are and how they are joined.
    #[serde(default)]
    pub topology: Topology,
    /// How hard it is to be paid.
    pub payment: Payment,
    /// What order-api lets in.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admission: Option<Admission>,
    /// What order-processor works on, and what it lets wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backpressure: Option<Backpressure>,
    /// How long anybody waits.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeouts: Option<Timeouts>,
    /// That however often a call comes, it runs once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub idempotency: Option<Idempotency>,
    /// How often order-processor repeats a call to payment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retries: Option<Retries>,
    /// When order-processor leaves payment alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub breaker: Option<Breaker>,
    /// What the platform notices by itself, and what it remembers of single orders.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observability: Option<Observability>,
    /// What it takes for all of them to work together.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub composition: Option<Composition>,
}

impl Design {
    /// The naive baseline on a payment profile: no constraint at all.
    #[must_use]
    pub fn naive(name: impl Into<String>, payment: Payment) -> Self {
        Self {
            name: name.into(),
            topology: Topology::default(),
            payment,
            admission: None,
            backpressure: None,
            timeouts: None,
            idempotency: None,
            retries: None,
            breaker: None,
            composition: None,
            observability: None,
        }
    }
}

/// Which services there are and how they are joined.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Topology {
    /// order-api → order-processor → payment-service, joined by HTTP calls.
    #[default]
    Chain,
}

impl Topology {
    /// The name as designs and `/health` spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chain => "chain",
        }
    }
}

/// Admission control: who is let in at the edge. Whoever is not gets a 429 at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AdmissionSection", into = "AdmissionSection")]
pub struct Admission {
    /// By what measure orders are admitted.
    pub limit: AdmissionLimit,
    /// What a refused client is told to wait; 1 s unless stated.
    pub retry_after: PositiveDuration,
}

/// The measure of an [`Admission`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AdmissionLimit {
    /// At most so many orders in work at once.
    Concurrency {
        /// Orders in work at once.
        limit: NonZeroU32,
    },
    /// At most so many orders per second, by a token bucket.
    Rate {
        /// Tokens that flow in per second.
        rate_per_s: PositiveRate,
        /// The bucket's size: how many may come at once after a pause.
        burst: NonZeroU32,
    },
}

/// The `[admission]` section as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Admission")]
struct AdmissionSection {
    /// `concurrency` wants `limit`; `rate` wants `rate_per_s` and `burst`.
    kind: AdmissionKind,
    /// Orders in work at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<NonZeroU32>,
    /// Tokens that flow in per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<PositiveRate>,
    /// The token bucket's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    burst: Option<NonZeroU32>,
    /// What a refused client is told to wait.
    #[serde(default = "retry_after_default")]
    retry_after: PositiveDuration,
}

/// The kinds of admission control.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AdmissionKind {
    Concurrency,
    Rate,
}

const fn retry_after_default() -> PositiveDuration {
    RETRY_AFTER_DEFAULT
}

impl TryFrom<AdmissionSection> for Admission {
    type Error = &'static str;

    fn try_from(section: AdmissionSection) -> Result<Self, Self::Error> {
        let AdmissionSection { kind, limit, rate_per_s, burst, retry_after } = section;
        let limit = match (kind, limit, rate_per_s, burst) {
            (AdmissionKind::Concurrency, Some(limit), None, None) => AdmissionLimit::Concurrency { limit },
            (AdmissionKind::Concurrency, ..) => {
                return Err(
                    "admission of kind \"concurrency\" takes `limit`, and neither `rate_per_s` nor `burst`",
                );
            }
            (AdmissionKind::Rate, None, Some(rate_per_s), Some(burst)) => {
                AdmissionLimit::Rate { rate_per_s, burst }
            }
            (AdmissionKind::Rate, ..) => {
                return Err("admission of kind \"rate\" takes `rate_per_s` and `burst`, and no `limit`");
            }
        };
        Ok(Self { limit, retry_after })
    }
}

impl From<Admission> for AdmissionSection {
    fn from(admission: Admission) -> Self {
        let (kind, limit, rate_per_s, burst) = match admission.limit {
            AdmissionLimit::Concurrency { limit } => (AdmissionKind::Concurrency, Some(limit), None, None),
            AdmissionLimit::Rate { rate_per_s, burst } => {
                (AdmissionKind::Rate, None, Some(rate_per_s), Some(burst))
            }
        };
        Self { kind, limit, rate_per_s, burst, retry_after: admission.retry_after }
    }
}

/// Backpressure: how many orders order-processor works on, and how many may wait for a worker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Backpressure {
    /// What happens to an order that finds every worker busy.
    pub strategy: BackpressureStrategy,
    /// Orders worked on at once.
    pub workers: NonZeroU32,
    /// Orders that may wait for a worker; 0 refuses whenever every worker is busy.
    pub queue: u32,
    /// What a refused caller is told to wait; 1 s unless stated.
    #[serde(default = "retry_after_default")]
    pub retry_after: PositiveDuration,
}

/// What happens to an order that finds every worker busy.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum BackpressureStrategy {
    /// It waits in a short queue, first come first served; when that is full it is refused at once.
    BoundedQueue,
}

#[cfg(test)]
mod tests;
