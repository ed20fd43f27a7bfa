//! A service as a real process: the same router and the same layers as in the simulation, on TCP.

use std::{
    collections::BTreeMap,
    future::Future,
    io,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    sync::Arc,
    time::Duration,
};

use node::{Node, RealOptions, http};
use platform::{PlatformState, Ports};

pub use platform::{
    Hardship, ServiceKind, UnknownService, Webhook,
    design::{Design, Process, Replicas, Topology},
};

mod broker;
mod served;
mod stores;

pub use self::broker::{BadBrokerUrl, BrokerError, BrokerUrl, OpenBroker, serve_broker};
pub use self::served::{BROKER, BROKER_PORT, Part, Served, UnknownServed, process_list};
pub use self::stores::{BadStoreUrl, OpenStores, Places, StoreUrl, StoresError};
pub use adapters::redis::RedisUrl;
pub(crate) use stores::{on_redb, open_file, parts};

/// Where a service listens, and where it finds the others.
#[derive(Clone, Debug, PartialEq)]
pub struct ServeRealOptions {
    /// The address to listen on. Default 127.0.0.1.
    pub bind: IpAddr,
    /// The port; the service's own default when `None`.
    pub port: Option<u16>,
    /// The admin port, on the loopback only; there is none when `None`, the default.
    pub admin_port: Option<u16>,
    /// Addresses of the other services by name. What is not there is looked for beside this service, at its
    /// default port.
    pub peers: BTreeMap<String, SocketAddr>,
    /// Which replica of the service it is; its random streams are its own. Default 1.
    pub replica: u32,
    /// The seed of the service's random streams. Default 1.
    pub seed: u64,
    /// How many connections there may be at once; whoever comes beyond is answered 503 and let go. Default 10,000.
    pub connections_max: usize,
    /// How long it may take to finish what was taken on, once it is asked to stop. Default 10 s.
    pub grace: Duration,
    /// What carries events, where services are joined by a broker. Default the embedded one.
    pub broker: BrokerUrl,
    /// Where notification-service posts each notice; nowhere when `None`, the default.
    pub webhook: Option<Webhook>,
    /// Of how many orders it is counted one by one how often they tried to be paid, for who examines the service.
    /// Default as simulated, 1,000,000.
    pub journalled_orders_max: usize,
    /// What payment suffers from its start until it is told otherwise, where it is in this process. Default none.
    pub hardship: Hardship,
}

impl Default for ServeRealOptions {
    fn default() -> Self {
        Self {
            bind: Ipv4Addr::LOCALHOST.into(),
            port: None,
            admin_port: None,
            peers: BTreeMap::new(),
            replica: 1,
            seed: 1,
            connections_max: RealOptions::default().connections_max,
            grace: Duration::from_secs(10),
            broker: BrokerUrl::default(),
            webhook: None,
            journalled_orders_max: platform::JOURNALLED_ORDERS_MAX,
            hardship: Hardship::default(),
        }
    }
}

/// Runs one service of a design on this machine, with everything in memory. As [`serve_on`].
///
/// # Errors
/// As [`serve_on`].
///
/// # Cancel safety
/// As [`serve_on`].
pub async fn serve_real(
    kind: ServiceKind,
    design: Design,
    options: ServeRealOptions,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    serve_on(&PlatformState::default(), kind, design, options, stop).await
}

/// Runs one service of a design on this machine, on its stores ([`OpenStores::state`]), until `stop` is ready and what
/// was taken on is finished or the grace is over; of a monolith, order-api with everything in it.
///
/// From `stop` on it accepts no connection, its `/readyz` says 503, and new orders are refused with 503; who is
/// connected is told that the connection ends. The admin port stays open to the end.
///
/// Needs a tokio runtime with its time and network drivers enabled.
///
/// # Errors
/// When a port is taken or may not be used: the error of the system, with its kind. When the design has no
/// such process, or the hardship makes no sense: `InvalidInput`.
///
/// # Cancel safety
/// Dropping the future stops accepting; connections that were accepted run on in their own tasks.
pub async fn serve_on(
    state: &PlatformState,
    kind: ServiceKind,
    design: Design,
    options: ServeRealOptions,
    stop: impl Future<Output = ()>,
) -> io::Result<()> {
    let home = design.topology.home(kind);
    if home != kind {
        let reason = format!("in the design {}, {kind} is a part of {home}", design.name);
        return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
    }
    for service in state.services(design.topology) {
        service.telemetry().set_journalled_orders_max(options.journalled_orders_max);
        let set = service.hardship().set(options.hardship);
        set.map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    }
    let name = Process { kind, replica: options.replica }.name();
    if let Some(port) = options.admin_port {
        // A node of its own: whoever reaches this port can break payment, so it never leaves the loopback,
        // wherever the service itself is bound.
        let admin = Node::real(RealOptions { name: name.clone(), ..RealOptions::default() });
        let listener = admin.listen(port).await.map_err(|error| on_port(port, &error))?;
        let router = match design.topology {
            Topology::Chain | Topology::Events => platform::admin_router(&admin, state.service(kind)),
            Topology::Monolith => platform::monolith_admin_router(&admin, state),
        };
        admin.spawn(http::serve(admin.clone(), listener, router, http::ServerOptions::default()));
    }

    let node = Node::real(RealOptions {
        name,
        bind: options.bind,
        peers: peers(&options),
        seed: options.seed,
        connections_max: options.connections_max,
        ..RealOptions::default()
    });
    let stopping = node.stopping().clone();
    let ports = Ports { http: options.port, admin: None };
    let design = Arc::new(design);
    let run = async {
        match design.topology {
            Topology::Chain => platform::run(kind, node, design, state.service(kind).clone(), ports).await,
            Topology::Events => {
                let mut state = state.service(kind).clone();
                // Payment is called, and has no part in events.
                if kind != ServiceKind::PaymentService {
                    state = state.with_broker(options.broker.open(&node).broker);
                }
                let state = match options.webhook.clone() {
                    Some(webhook) => state.with_webhook(webhook),
                    None => state,
                };
                platform::run(kind, node, design, state, ports).await
            }
            Topology::Monolith => platform::run_monolith(node, design, state.clone(), ports).await,
        }
    };
    let out_of_grace = async {
        stop.await;
        tracing::info!(unfinished = stopping.unfinished(), "stopping: what was taken on is finished");
        stopping.begin();
        tokio::time::sleep(options.grace).await;
    };
    tokio::select! {
        biased;
        ran = run => {
            let port = options.port.unwrap_or(Served::Service(kind).default_port());
            ran.map_err(|error| on_port(port, &error))
        }
        () = out_of_grace => {
            tracing::warn!(unfinished = stopping.unfinished(), "stopped before everything was finished");
            Ok(())
        }
    }
}

/// What the system says of a port, with which it is.
fn on_port(port: u16, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("port {port}: {error}"))
}

/// Every service's address: as it is given, or beside this one at its default port.
fn peers(options: &ServeRealOptions) -> BTreeMap<String, SocketAddr> {
    let beside = match options.bind {
        bind if !bind.is_unspecified() => bind,
        IpAddr::V4(_) => Ipv4Addr::LOCALHOST.into(),
        IpAddr::V6(_) => Ipv6Addr::LOCALHOST.into(),
    };
    let all = ServiceKind::ALL.into_iter().map(Served::Service).chain([Served::Broker]);
    let usual = all.map(|served| (served.name().to_owned(), (beside, served.default_port()).into()));
    usual.chain(options.peers.clone()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_peer_that_is_not_given_is_beside_this_service_at_its_default_port() {
        let elsewhere: SocketAddr = "10.0.0.3:9".parse().expect("an address");
        let options = ServeRealOptions {
            bind: Ipv4Addr::UNSPECIFIED.into(),
            peers: [("payment-service".to_owned(), elsewhere)].into(),
            ..ServeRealOptions::default()
        };
        let peers = peers(&options);
        assert_eq!(peers["payment-service"], elsewhere);
        assert_eq!(peers["order-processor"], "127.0.0.1:8081".parse().expect("an address"));
    }
}
