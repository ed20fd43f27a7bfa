//! A design: one state of the platform, resolved and valid.
//!
//! Every value is checked by its own type while it is read, not in a pass afterwards, so that an error in
//! a TOML file carries the line it stands on. What depends on two values at once (a rate without its
//! `rate_per_s`) is checked when its section is complete and carries the section's line. Files and their
//! `extends` are the laboratory's business; here a design already is what it is.

mod admission;
mod backpressure;
mod breaker;
mod composition;
mod events;
mod idempotency;
mod observability;
mod payment;
mod replicas;
mod retries;
mod sections;
mod timeouts;
mod values;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::admission::{Admission, AdmissionLimit, InFlightLimit, LimitAlgorithm};
pub use self::backpressure::{Backpressure, BackpressureStrategy, CreditGrants, Patience, QueueDiscipline};
pub use self::breaker::Breaker;
pub use self::composition::Composition;
pub use self::events::{Acknowledgement, Autoscale, Consumers, DeadLetters, DelayedRetries, Inbox, Outbox};
pub use self::idempotency::Idempotency;
pub use self::observability::{
    DependencyAlerts, ObjectiveAlerts, Observability, OrderAlerts, SaturationAlerts, Traces,
};
pub use self::payment::{Payment, Profile, ServiceTime, UniformSpan};
pub use self::replicas::{Process, REPLICAS_MAX, Replicas, Scale};
pub use self::retries::Retries;
pub use self::timeouts::Timeouts;
pub use self::values::{Multiplier, PositiveDuration, PositiveRate, Probability, Sigma, ValueError};
use crate::kind::ServiceKind;

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
    /// How many processes there are of the service that clients call.
    #[serde(default, skip_serializing_if = "Replicas::is_one")]
    pub replicas: Replicas,
    /// How many processes share the work of the services that consume events.
    #[serde(default, skip_serializing_if = "Scale::is_one")]
    pub scale: Scale,
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
    /// That what was accepted is told, whoever dies.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outbox: Option<Outbox>,
    /// That an event is dealt with before it is gone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub acknowledgement: Option<Acknowledgement>,
    /// That however often an event comes, it has its effect once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inbox: Option<Inbox>,
    /// When an event that failed comes again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delayed_retries: Option<DelayedRetries>,
    /// When an event is put aside for people.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dead_letters: Option<DeadLetters>,
    /// How much is worked on at once, and how much may wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub consumers: Option<Consumers>,
}

impl Design {
    /// The naive baseline on a payment profile: no constraint at all.
    #[must_use]
    pub fn naive(name: impl Into<String>, payment: Payment) -> Self {
        Self {
            name: name.into(),
            topology: Topology::default(),
            replicas: Replicas::default(),
            scale: Scale::default(),
            payment,
            admission: None,
            backpressure: None,
            timeouts: None,
            idempotency: None,
            retries: None,
            breaker: None,
            composition: None,
            observability: None,
            outbox: None,
            acknowledgement: None,
            inbox: None,
            delayed_retries: None,
            dead_letters: None,
            consumers: None,
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
    /// All three in one process, on order-api's host and port: they call each other without a network.
    Monolith,
    /// Joined by a broker: order-api accepts an order at once, and order-processor, payment-service and
    /// notification-service deal with it afterwards.
    Events,
}

impl Topology {
    /// The name as designs and `/health` spell it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Chain => "chain",
            Self::Monolith => "monolith",
            Self::Events => "events",
        }
    }

    /// The services that are processes of their own, on hosts of their names, from the edge inwards.
    #[must_use]
    pub const fn processes(self) -> &'static [ServiceKind] {
        match self {
            Self::Monolith => &[ServiceKind::OrderApi],
            Self::Chain | Self::Events => self.services(),
        }
    }

    /// The services that there are, whatever process they run in, from the edge inwards.
    #[must_use]
    pub const fn services(self) -> &'static [ServiceKind] {
        match self {
            Self::Chain | Self::Monolith => {
                &[ServiceKind::OrderApi, ServiceKind::OrderProcessor, ServiceKind::PaymentService]
            }
            Self::Events => &ServiceKind::ALL,
        }
    }

    /// In whose process, and on whose host, a service runs.
    #[must_use]
    pub const fn home(self, service: ServiceKind) -> ServiceKind {
        match self {
            Self::Chain | Self::Events => service,
            Self::Monolith => ServiceKind::OrderApi,
        }
    }
}

const fn retry_after_default() -> PositiveDuration {
    RETRY_AFTER_DEFAULT
}

#[cfg(test)]
mod tests;
