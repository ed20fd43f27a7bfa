//! What carries the events of a real platform, by a URL.
//!
//! | URL | what it is |
//! |---|---|
//! | `embedded://` | the broker of this program, as a process beside the services: the default |
//! | `embedded://IP:PORT` | the same, somewhere else |
//! | `nats://…` | a NATS server with JetStream |
//! | `kafka://…` | Apache Kafka; where this program was built with it (`--features kafka`) |
//!
//! A broker that is not there is no error: it is waited for, and whoever needs it says so in `/readyz`.

use std::{
    fmt,
    future::Future,
    net::{IpAddr, SocketAddr},
    path::PathBuf,
    str::FromStr,
    sync::Arc,
};

#[cfg(feature = "kafka")]
use adapters::kafka::{self, Kafka, KafkaSettings, KafkaUrl};
use adapters::nats::{self, Nats, NatsSettings, NatsUrl};
use broker::{Embedded, MischiefControl};
use domain::broker::{Broker, DeadLetters};
use node::{Node, RealOptions, http};

use super::{
    ServeRealOptions,
    served::{BROKER, BROKER_PORT},
};

pub use broker::ServeError as BrokerError;

/// What carries the events.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum BrokerUrl {
    /// The platform's own broker, which is found by its name.
    #[default]
    Embedded,
    /// A broker of this program that runs there.
    EmbeddedAt(SocketAddr),
    /// A NATS server.
    Nats(NatsUrl),
    /// A Kafka cluster.
    #[cfg(feature = "kafka")]
    Kafka(KafkaUrl),
}

/// Not a broker.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BadBrokerUrl {
    /// Nothing carries events there. Only how it begins is repeated: the rest may hold a password.
    #[error("no broker is called {0:?}: write embedded://, embedded://IP:PORT, nats://… or kafka://…")]
    Unknown(String),
    /// Not an address.
    #[error("embedded:// takes an address, for example embedded://127.0.0.1:8084, and not {0:?}")]
    Address(String),
    /// It should have been a NATS server.
    #[error(transparent)]
    Nats(#[from] nats::InvalidUrl),
    /// It should have been a Kafka cluster.
    #[cfg(feature = "kafka")]
    #[error(transparent)]
    Kafka(#[from] kafka::InvalidUrl),
    /// It would be a Kafka cluster.
    #[error("this program was built without Kafka: build it with `cargo build --release --features kafka`")]
    WithoutKafka,
}

/// What our topics begin with at a server that others use as well.
const PREFIX: &str = "failfirst";
const GOOD_PREFIX: &str = "letters are a prefix";

/// A broker, from both sides.
#[derive(Clone, Debug)]
pub struct OpenBroker {
    /// For services.
    pub broker: Arc<dyn Broker>,
    /// For people.
    pub dead_letters: Arc<dyn DeadLetters>,
}

impl BrokerUrl {
    /// Whether it is a process that the platform brings along.
    #[must_use]
    pub const fn is_own(&self) -> bool {
        matches!(self, Self::Embedded)
    }

    /// What whoever does not reach it can do.
    #[must_use]
    pub const fn advice(&self) -> &'static str {
        match self {
            Self::Embedded | Self::EmbeddedAt(_) => {
                "start it (`failfirst up` of an event-driven design does), or say where it is with --broker embedded://IP:PORT"
            }
            Self::Nats(_) => {
                "is a NATS server with JetStream running there? start it (`nats-server -js`), or say where it is with \
                 --broker nats://HOST:4222"
            }
            #[cfg(feature = "kafka")]
            Self::Kafka(_) => {
                "is the cluster running, and does it advertise addresses that are reached from here? start it, or say \
                 where it is with --broker kafka://HOST:9092"
            }
        }
    }

    /// The broker, as a process on this node reaches it. Connects to nothing yet, and never fails.
    #[must_use]
    pub fn open(&self, node: &Node) -> OpenBroker {
        match self {
            Self::Embedded => both(broker::Client::new(node, BROKER, BROKER_PORT)),
            Self::EmbeddedAt(address) => {
                let host = match address.ip() {
                    IpAddr::V4(ip) => ip.to_string(),
                    IpAddr::V6(ip) => format!("[{ip}]"),
                };
                both(broker::Client::new(node, &host, address.port()))
            }
            Self::Nats(url) => {
                both(Nats::open(node, url, PREFIX, NatsSettings::default()).expect(GOOD_PREFIX))
            }
            #[cfg(feature = "kafka")]
            Self::Kafka(url) => {
                both(Kafka::open(node, url, PREFIX, KafkaSettings::default()).expect(GOOD_PREFIX))
            }
        }
    }

    /// The URL with its password, if there is one: for handing on, never for showing.
    #[must_use]
    pub fn expose(&self) -> String {
        match self {
            Self::Nats(url) => url.expose().to_owned(),
            #[cfg(feature = "kafka")]
            Self::Kafka(url) => url.expose().to_owned(),
            own => own.to_string(),
        }
    }
}

/// Both sides of one client.
fn both(client: impl Broker + DeadLetters + 'static) -> OpenBroker {
    let client = Arc::new(client);
    OpenBroker { broker: Arc::clone(&client) as _, dead_letters: client }
}

/// Runs the embedded broker on this machine, on a file in a directory that is made when missing, until `stop` is ready
/// and what was begun is answered or the grace is over. With an admin port, whoever is on this machine can disturb it.
///
/// Needs a tokio runtime with its time and network drivers enabled.
///
/// # Errors
/// When its file cannot be opened or its port not be used. [`BrokerError::advice`] says what to do about it.
///
/// # Cancel safety
/// Dropping the future stops accepting.
pub async fn serve_broker(
    options: ServeRealOptions,
    directory: PathBuf,
    stop: impl Future<Output = ()>,
) -> Result<(), BrokerError> {
    let node = Node::real(RealOptions {
        name: BROKER.to_owned(),
        bind: options.bind,
        seed: options.seed,
        connections_max: options.connections_max,
        data: Some(directory),
        ..RealOptions::default()
    });
    let stopping = node.stopping().clone();
    let settings =
        broker::Options { port: options.port.unwrap_or(BROKER_PORT), ..broker::Options::default() };
    let out_of_grace = async {
        stop.await;
        stopping.begin();
        tokio::time::sleep(options.grace).await;
    };
    let mischief = MischiefControl::default();
    let serve = async {
        let embedded = Embedded::open_disturbed(node, settings, mischief.clone()).await?;
        if let Some(port) = options.admin_port {
            // On the loopback, wherever the broker itself is bound: as for the services.
            let admin = Node::real(RealOptions { name: BROKER.to_owned(), ..RealOptions::default() });
            let listener = admin.listen(port).await.map_err(|source| BrokerError::Listen { port, source })?;
            let router = broker::admin_router(embedded.watch(), mischief.clone());
            drop(admin.spawn(http::serve(admin.clone(), listener, router, http::ServerOptions::default())));
        }
        embedded.serve().await;
        Ok(())
    };
    tokio::select! {
        biased;
        served = serve => served,
        () = out_of_grace => {
            tracing::warn!(unfinished = stopping.unfinished(), "stopped before everything was finished");
            Ok(())
        }
    }
}

impl FromStr for BrokerUrl {
    type Err = BadBrokerUrl;

    fn from_str(text: &str) -> Result<Self, BadBrokerUrl> {
        let unknown = || {
            let name =
                text.split_once(':').map_or_else(|| text.to_owned(), |(scheme, _)| format!("{scheme}:…"));
            BadBrokerUrl::Unknown(name)
        };
        match text.split_once("://").ok_or_else(unknown)? {
            ("embedded", "") => Ok(Self::Embedded),
            ("embedded", address) => {
                let parsed = address.parse().map_err(|_| BadBrokerUrl::Address(address.to_owned()));
                Ok(Self::EmbeddedAt(parsed?))
            }
            ("nats" | "tls", _) => Ok(Self::Nats(text.parse()?)),
            #[cfg(feature = "kafka")]
            ("kafka", _) => Ok(Self::Kafka(text.parse()?)),
            #[cfg(not(feature = "kafka"))]
            ("kafka", _) => Err(BadBrokerUrl::WithoutKafka),
            _ => Err(unknown()),
        }
    }
}

impl fmt::Display for BrokerUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Embedded => f.write_str("embedded://"),
            Self::EmbeddedAt(address) => write!(f, "embedded://{address}"),
            Self::Nats(url) => url.fmt(f),
            #[cfg(feature = "kafka")]
            Self::Kafka(url) => url.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_broker_is_named_by_its_url() {
        for text in ["embedded://", "embedded://127.0.0.1:8084"] {
            assert_eq!(text.parse::<BrokerUrl>().expect("a broker").to_string(), text);
        }
    }

    #[test]
    fn what_is_no_broker_is_told_what_would_be_and_never_its_password() {
        let refused = |text: &str| text.parse::<BrokerUrl>().expect_err("refused").to_string();
        assert!(refused("rabbit").starts_with("no broker is called \"rabbit\": write embedded://"));
        assert!(!refused("amqp://me:sesame@there").contains("sesame"));
        assert!(refused("embedded://there").contains("takes an address"));
    }
}
