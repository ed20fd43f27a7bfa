//! The services that there are.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A service of the platform.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ServiceKind {
    /// Where clients place their orders.
    OrderApi,
    /// Gets an order paid.
    OrderProcessor,
    /// Moves the money: the hardship.
    PaymentService,
    /// Tells customers how their orders ended; where services are joined by a broker.
    NotificationService,
}

impl ServiceKind {
    /// All of them, from the edge inwards.
    pub const ALL: [Self; 4] =
        [Self::OrderApi, Self::OrderProcessor, Self::PaymentService, Self::NotificationService];

    /// The service's name, and the name of the host it runs on.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::OrderApi => "order-api",
            Self::OrderProcessor => "order-processor",
            Self::PaymentService => "payment-service",
            Self::NotificationService => "notification-service",
        }
    }

    /// The port it listens on unless told otherwise.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::OrderApi => 8080,
            Self::OrderProcessor => 8081,
            Self::PaymentService => 8082,
            Self::NotificationService => 8083,
        }
    }

    /// The usual admin port, where one is wanted: a thousand above.
    #[must_use]
    pub const fn default_admin_port(self) -> u16 {
        self.default_port() + 1000
    }
}

impl fmt::Display for ServiceKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that no service has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "there is no service {0:?}: there are order-api, order-processor, payment-service and notification-service"
)]
pub struct UnknownService(pub String);

impl std::str::FromStr for ServiceKind {
    type Err = UnknownService;

    fn from_str(name: &str) -> Result<Self, UnknownService> {
        Self::ALL.into_iter().find(|kind| kind.name() == name).ok_or_else(|| UnknownService(name.to_owned()))
    }
}
