//! Replicas: how many processes of a service there are.
//!
//! Replicas share nothing. Each has a host, stores and gauges of its own, and whoever calls chooses one: so only
//! what clients call themselves can have several, and in a chain nothing has, because no service balances between
//! others. Where a broker joins the services it shares the work out: there order-processor and notification-service
//! can have several ([`Scale`]). The first has the service's own name, the others their number behind it: `order-api`, `order-api-2`, …

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Design, Topology, ValueError};
use crate::hardship::Hardship;
use crate::kind::ServiceKind;

/// The most replicas: they are real processes on neighbouring ports in one world, and hosts in the other.
pub const REPLICAS_MAX: u32 = 16;

/// A number of replicas, from 1 to [`REPLICAS_MAX`]; one by default.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "u32", into = "u32")]
pub struct Replicas(#[schemars(range(min = 1, max = 16))] NonZeroU32);

impl Replicas {
    /// # Errors
    /// When it is 0 or more than [`REPLICAS_MAX`].
    pub fn new(replicas: u32) -> Result<Self, ValueError> {
        let valid = NonZeroU32::new(replicas).filter(|replicas| replicas.get() <= REPLICAS_MAX);
        valid.map(Self).ok_or(ValueError::Replicas(replicas))
    }

    /// How many.
    #[must_use]
    pub const fn get(self) -> u32 {
        self.0.get()
    }

    /// Whether it is what is not worth saying.
    #[must_use]
    pub const fn is_one(&self) -> bool {
        self.0.get() == 1
    }
}

impl Default for Replicas {
    fn default() -> Self {
        Self(NonZeroU32::MIN)
    }
}

impl TryFrom<u32> for Replicas {
    type Error = ValueError;
    fn try_from(replicas: u32) -> Result<Self, ValueError> {
        Self::new(replicas)
    }
}

impl From<Replicas> for u32 {
    fn from(replicas: Replicas) -> Self {
        replicas.get()
    }
}

/// How many processes share the work of a service that consumes events; one each by default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields, rename_all = "kebab-case")]
pub struct Scale {
    /// order-processor.
    pub order_processor: Replicas,
    /// notification-service.
    pub notification_service: Replicas,
}

impl Scale {
    /// Whether it is what is not worth saying.
    #[must_use]
    pub fn is_one(&self) -> bool {
        *self == Self::default()
    }
}

/// One process of a platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Process {
    /// The service that it is; of a monolith, the one whose port it has.
    pub kind: ServiceKind,
    /// Which of its replicas, from 1.
    pub replica: u32,
}

impl Process {
    /// Its name, and its host's.
    #[must_use]
    pub fn name(self) -> String {
        self.part(self.kind)
    }

    /// The name of a service that runs in it, as it is told from the same service in other replicas.
    #[must_use]
    pub fn part(self, service: ServiceKind) -> String {
        match self.replica {
            1 => service.name().to_owned(),
            replica => format!("{service}-{replica}"),
        }
    }
}

impl Design {
    /// How many processes of a service there are; of one that is part of another, how many of that.
    #[must_use]
    pub const fn replicas_of(&self, service: ServiceKind) -> u32 {
        match self.topology.home(service) {
            ServiceKind::OrderApi => self.replicas.get(),
            ServiceKind::OrderProcessor => self.scale.order_processor.get(),
            ServiceKind::NotificationService => self.scale.notification_service.get(),
            ServiceKind::PaymentService => 1,
        }
    }

    /// Every process, from the edge inwards, the replicas of a service beside each other.
    #[must_use]
    pub fn processes(&self) -> Vec<Process> {
        let replicas =
            |&kind: &ServiceKind| (1..=self.replicas_of(kind)).map(move |replica| Process { kind, replica });
        self.topology.processes().iter().flat_map(replicas).collect()
    }

    /// Successful payments per second that all replicas of payment can do together under a hardship.
    #[must_use]
    pub fn capacity_per_s(&self, hardship: &Hardship) -> f64 {
        f64::from(self.replicas_of(ServiceKind::PaymentService)) * self.payment.capacity_per_s(hardship)
    }

    /// Whether there may be so many replicas.
    ///
    /// # Errors
    /// In words, when nobody could choose between them.
    pub fn check_replicas(&self) -> Result<(), String> {
        match self.topology {
            Topology::Chain if !self.replicas.is_one() => Err(format!(
                "{} replicas need topology = \"monolith\": clients choose between replicas of what they call, and in a \
                 chain no service chooses between others",
                self.replicas.get()
            )),
            Topology::Events if !self.replicas.is_one() => Err(format!(
                "{} replicas of order-api: where services are joined by a broker it has one, which owns the orders; \
                 [scale] says how many processes of the others share the work",
                self.replicas.get()
            )),
            Topology::Chain | Topology::Monolith if self.scale != Scale::default() => Err(format!(
                "[scale] needs topology = \"events\": the work is shared through a broker, and in a {} there is none",
                self.topology.as_str()
            )),
            Topology::Chain | Topology::Monolith | Topology::Events => Ok(()),
        }
    }
}
