//! Brokers to test with.

use std::path::Path;
use std::time::Duration;

use broker::{Embedded, Options, ServeError, Watch};
use domain::{EventId, Message};
use node::sim::{HostOptions, Latency, SimWorld, Topology};
use node::{Node, RealOptions};

/// The broker's host, in a simulated world.
pub(crate) const BROKER: &str = "broker";
/// Everybody else's.
pub(crate) const CLIENT: &str = "client";

/// A broker on TCP.
#[derive(Debug)]
pub(crate) struct Real {
    pub(crate) node: Node,
    pub(crate) port: u16,
    pub(crate) watch: Watch,
}

/// Starts a broker on this machine, on a port that the system chooses.
pub(crate) async fn real(directory: &Path, options: Options) -> Real {
    let node = Node::real(RealOptions {
        name: BROKER.to_owned(),
        data: Some(directory.to_owned()),
        ..RealOptions::default()
    });
    let embedded = Embedded::open(node.clone(), Options { port: 0, ..options }).await.expect("a broker");
    let (port, watch) = (embedded.port().expect("it listens"), embedded.watch());
    drop(node.spawn(embedded.serve()));
    Real { node, port, watch }
}

/// Somebody else on this machine.
pub(crate) fn real_client() -> Node {
    Node::real(RealOptions { name: CLIENT.to_owned(), ..RealOptions::default() })
}

/// Runs a test in a world of a broker's host and a client's.
pub(crate) fn in_a_world<T>(seed: u64, broker: HostOptions, test: impl AsyncFnOnce(World) -> T) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().expect("a runtime");
    runtime.block_on(async {
        let topology =
            Topology::new(Latency::default()).host(BROKER, broker).host(CLIENT, HostOptions::unlimited());
        let sim = SimWorld::new(seed, topology);
        let (broker, client) = (sim.node(BROKER).expect("a host"), sim.node(CLIENT).expect("a host"));
        test(World { sim, broker, client }).await
    })
}

/// A simulated world.
#[derive(Clone, Debug)]
pub(crate) struct World {
    pub(crate) sim: SimWorld,
    pub(crate) broker: Node,
    pub(crate) client: Node,
}

impl World {
    /// Starts the broker's process.
    pub(crate) async fn start(&self, options: Options) -> Result<Watch, ServeError> {
        let embedded = Embedded::open(self.broker.clone(), options).await?;
        let watch = embedded.watch();
        drop(self.broker.spawn(embedded.serve()));
        Ok(watch)
    }
}

pub(crate) fn message(topic: &str, id: &str, key: &str) -> Message {
    Message {
        event_id: EventId::new(id).expect("a valid id"),
        topic: topic.to_owned(),
        key: key.to_owned(),
        payload: id.as_bytes().to_vec(),
        at_us: 7,
    }
}

/// Waits until something is so, which has to be soon.
pub(crate) async fn until(what: &str, mut is_so: impl AsyncFnMut() -> bool) {
    let began = tokio::time::Instant::now();
    while !is_so().await {
        assert!(began.elapsed() < Duration::from_secs(60), "never: {what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}
