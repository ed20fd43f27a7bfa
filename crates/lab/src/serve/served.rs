//! What can be a process of a platform: its services, and the broker between them.

use std::{fmt, str::FromStr};

use platform::{
    ServiceKind, UnknownService,
    design::{Design, Process, Topology},
};

/// The broker's name, and the name of the host it runs on.
pub const BROKER: &str = "broker";
/// The port that it listens on unless told otherwise.
pub const BROKER_PORT: u16 = 8084;

/// A service, or the broker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Served {
    /// A service of the platform.
    Service(ServiceKind),
    /// The embedded broker.
    Broker,
}

impl Served {
    /// Its name.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Service(kind) => kind.name(),
            Self::Broker => BROKER,
        }
    }

    /// The port it listens on unless told otherwise.
    #[must_use]
    pub const fn default_port(self) -> u16 {
        match self {
            Self::Service(kind) => kind.default_port(),
            Self::Broker => BROKER_PORT,
        }
    }
}

impl fmt::Display for Served {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A name that nothing here has.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0}, and the broker")]
pub struct UnknownServed(UnknownService);

impl FromStr for Served {
    type Err = UnknownServed;

    fn from_str(name: &str) -> Result<Self, UnknownServed> {
        match name {
            BROKER => Ok(Self::Broker),
            name => name.parse().map(Self::Service).map_err(UnknownServed),
        }
    }
}

/// One process of a platform, the broker included.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// One process of a service.
    Service(Process),
    /// The broker.
    Broker,
}

impl Part {
    /// Its name, and its host's.
    #[must_use]
    pub fn name(self) -> String {
        match self {
            Self::Service(process) => process.name(),
            Self::Broker => BROKER.to_owned(),
        }
    }

    /// What it runs.
    #[must_use]
    pub const fn served(self) -> Served {
        match self {
            Self::Service(process) => Served::Service(process.kind),
            Self::Broker => Served::Broker,
        }
    }

    /// Which replica of it, from 1.
    #[must_use]
    pub const fn replica(self) -> u32 {
        match self {
            Self::Service(process) => process.replica,
            Self::Broker => 1,
        }
    }
}

/// Every process of a design, the services from the edge inwards; the broker last, where the platform brings it along.
#[must_use]
pub fn process_list(design: &Design, with_broker: bool) -> Vec<Part> {
    let broker = (with_broker && design.topology == Topology::Events).then_some(Part::Broker);
    design.processes().into_iter().map(Part::Service).chain(broker).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_that_can_be_served_has_a_name() {
        let services = ServiceKind::ALL.map(Served::Service);
        for served in services.into_iter().chain([Served::Broker]) {
            assert_eq!(served.name().parse(), Ok(served));
        }
        let said = "brocker".parse::<Served>().expect_err("no such thing").to_string();
        assert!(said.contains("order-api") && said.ends_with("and the broker"), "{said}");
    }
}
