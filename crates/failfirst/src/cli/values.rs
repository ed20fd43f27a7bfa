//! Values with a grammar of their own. Each error says what would be right.

use std::collections::BTreeSet;
use std::fmt;
use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::time::Duration;

use lab::serve::{Hardship, Replicas, Served, ServiceKind, UnknownService};

/// More seeds than this in one run are a mistake: a campaign is another command.
const SEEDS_MAX: u64 = 10_000;

/// `FIRST..LAST`, both included.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Seeds(pub RangeInclusive<u64>);

impl FromStr for Seeds {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let number = |text: &str| text.trim().parse::<u64>().ok();
        let range = text.split_once("..").and_then(|(first, last)| Some(number(first)?..=number(last)?));
        match range {
            None => Err("seeds are written FIRST..LAST, for example 1..10".to_owned()),
            Some(range) if range.is_empty() => Err("the first seed is not above the last".to_owned()),
            Some(range) if range.end() - range.start() >= SEEDS_MAX => {
                Err(format!("at most {SEEDS_MAX} seeds in one run"))
            }
            Some(range) => Ok(Self(range)),
        }
    }
}

/// Seeds, or how many of them from 1 on.
pub(super) fn schedules(text: &str) -> Result<Seeds, String> {
    match text.trim().parse::<u64>() {
        Ok(0) => Err("at least one schedule".to_owned()),
        Ok(count) => format!("1..{count}").parse(),
        Err(_) => text.parse(),
    }
    .map_err(|error| format!("{error}; or say how many, for example 1000"))
}

/// Numbers of faults, `1,3`, or `none`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FaultNumbers(pub BTreeSet<u32>);

impl FromStr for FaultNumbers {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "none" {
            return Ok(Self(BTreeSet::new()));
        }
        let numbers = text.split(',').map(|number| number.trim().parse()).collect::<Result<_, _>>();
        numbers
            .map(Self)
            .map_err(|_| "faults are named by their numbers, for example 1,3, or none".to_owned())
    }
}

/// `SERVICE=ADDRESS:PORT`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PeerAddress {
    /// The service's name.
    pub service: Served,
    /// Where it listens.
    pub address: SocketAddr,
}

impl FromStr for PeerAddress {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let (service, address) = text
            .split_once('=')
            .ok_or("a peer is written SERVICE=ADDRESS:PORT, for example order-api=127.0.0.1:8080")?;
        let address = address
            .parse()
            .map_err(|_| format!("`{address}` is no address and port, for example 127.0.0.1:8080"))?;
        Ok(Self { service: service.parse().map_err(|error| format!("{error}"))?, address })
    }
}

/// `SERVICE=N`, of a service whose processes share the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReplicasOf {
    /// The service.
    pub service: Shared,
    /// How many processes of it.
    pub replicas: Replicas,
}

/// A service whose work several processes can share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shared {
    /// order-processor.
    OrderProcessor,
    /// notification-service.
    NotificationService,
}

impl FromStr for ReplicasOf {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let example = "replicas are written SERVICE=N, for example order-processor=3";
        let (service, replicas) = text.split_once('=').ok_or(example)?;
        let service = match service.parse().map_err(|error: UnknownService| error.to_string())? {
            ServiceKind::OrderProcessor => Shared::OrderProcessor,
            ServiceKind::NotificationService => Shared::NotificationService,
            ServiceKind::OrderApi | ServiceKind::PaymentService => {
                return Err(format!(
                    "{service} has one process: order-processor and notification-service can have several"
                ));
            }
        };
        let number: u32 = replicas.parse().map_err(|_| example)?;
        let replicas = Replicas::new(number).map_err(|error| error.to_string())?;
        Ok(Self { service, replicas })
    }
}

/// As it is written.
impl fmt::Display for ReplicasOf {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let service = match self.service {
            Shared::OrderProcessor => ServiceKind::OrderProcessor,
            Shared::NotificationService => ServiceKind::NotificationService,
        };
        write!(f, "{service}={}", self.replicas.get())
    }
}

/// A rate in orders per second: finite and greater than 0.
pub(super) fn rate(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(rate) if rate.is_finite() && rate > 0.0 => Ok(rate),
        _ => Err("a rate is a number of orders per second greater than 0".to_owned()),
    }
}

/// A number of connections.
pub(super) fn connections(text: &str) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if (1..=CONNECTIONS_MAX).contains(&number) => Ok(number),
        _ => Err(format!("a number of connections is between 1 and {CONNECTIONS_MAX}")),
    }
}

/// How many connections may be asked for: more than a process has ports or descriptors for helps nobody.
const CONNECTIONS_MAX: usize = 1_000_000;

/// A hardship as `PUT /hardship` takes it.
pub(super) fn hardship(text: &str) -> Result<Hardship, String> {
    let hardship: Hardship = serde_json::from_str(text).map_err(|error| error.to_string())?;
    hardship.check().map_err(|error| error.to_string())?;
    Ok(hardship)
}

/// A duration greater than 0, with its unit.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    match humantime::parse_duration(text.trim()) {
        Ok(duration) if !duration.is_zero() => Ok(duration),
        _ => Err("a duration is a positive number with its unit, for example 20s or 500ms".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::{
        FaultNumbers, Hardship, PeerAddress, ReplicasOf, Seeds, Served, ServiceKind, Shared, duration,
        hardship, rate, schedules,
    };

    #[test]
    fn seeds_include_both_ends() {
        assert_eq!("1..10".parse(), Ok(Seeds(1..=10)));
        assert_eq!("7..7".parse(), Ok(Seeds(7..=7)));
    }

    #[test]
    fn what_is_no_range_of_seeds_is_refused() {
        for bad in ["", "5", "..", "1..", "..4", "a..b", "-1..3", "10..1", "1...3", "0..18446744073709551615"]
        {
            assert!(bad.parse::<Seeds>().is_err(), "{bad}");
        }
    }

    #[test]
    fn schedules_are_counted_or_named() {
        assert_eq!(schedules("1000"), Ok(Seeds(1..=1000)));
        assert_eq!(schedules("7..9"), Ok(Seeds(7..=9)));
        for bad in ["0", "many", "9..7", "-1", "1000000"] {
            assert!(schedules(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn faults_are_named_by_their_numbers() {
        assert_eq!("3,1".parse(), Ok(FaultNumbers([1, 3].into())));
        assert_eq!("none".parse(), Ok(FaultNumbers([].into())));
        for bad in ["", "1,", "kill", "-1"] {
            assert!(bad.parse::<FaultNumbers>().is_err(), "{bad}");
        }
    }

    #[test]
    fn rates_and_durations_are_positive_and_finite() {
        assert_eq!(rate("0.5"), Ok(0.5));
        assert_eq!(duration("1m 30s").map(|d| d.as_secs()), Ok(90));
        for bad in ["0", "-1", "NaN", "inf", "1e999", "", "fast"] {
            assert!(rate(bad).is_err(), "{bad}");
        }
        for bad in ["0s", "-5s", "20", "", "soon", "s"] {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_hardship_is_what_the_admin_port_takes() {
        assert_eq!(hardship("{}"), Ok(Hardship::default()));
        assert_eq!(
            hardship(r#"{"slowdown":5,"failure_rate":0.5}"#),
            Ok(Hardship { slowdown: 5.0, failure_rate: Some(0.5) })
        );
        for bad in ["", "5", r#"{"slowdown":0}"#, r#"{"failure_rate":1.5}"#, r#"{"speed":1}"#] {
            assert!(hardship(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn a_peer_is_a_service_and_where_it_listens() {
        let peer: PeerAddress = "payment-service=10.0.0.3:8082".parse().expect("a peer");
        assert_eq!((peer.service, peer.address.port()), (Served::Service(ServiceKind::PaymentService), 8082));
        for bad in [
            "payment-service",
            "payment-service=",
            "payment-service=10.0.0.3",
            "order-api=localhost:1",
            "kitchen=127.0.0.1:1",
        ] {
            assert!(bad.parse::<PeerAddress>().is_err(), "{bad}");
        }
    }

    #[test]
    fn replicas_are_of_a_service_that_can_have_some() {
        let three: ReplicasOf = "order-processor=3".parse().expect("replicas");
        assert_eq!((three.service, three.replicas.get()), (Shared::OrderProcessor, 3));
        assert_eq!(three.to_string(), "order-processor=3");
        for bad in ["order-processor", "order-processor=0", "order-processor=x", "order-api=2", "cook=2"] {
            assert!(bad.parse::<ReplicasOf>().is_err(), "{bad}");
        }
    }
}
