//! Worlds to test in.

use std::future::Future;
use std::time::Duration;

use node::sim::{HostOptions, Latency, SimWorld, Topology};
use node::{Node, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

pub(crate) const PORT: u16 = 80;

/// Runs a test in a world of the hosts `a` and `b`, 1 ms apart.
pub(crate) fn in_world<F: Future>(test: impl FnOnce(SimWorld) -> F) -> F::Output {
    in_world_of(HostOptions::default(), test)
}

/// The same, where `b` has options of its own.
pub(crate) fn in_world_of<F: Future>(b: HostOptions, test: impl FnOnce(SimWorld) -> F) -> F::Output {
    paused_runtime().block_on(async {
        let topology = Topology::new(Latency::default()).host("a", HostOptions::default()).host("b", b);
        test(SimWorld::new(1, topology)).await
    })
}

pub(crate) fn paused_runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .start_paused(true)
        .build()
        .expect("a runtime without threads or sockets can always be built")
}

pub(crate) fn node(world: &SimWorld, host: &str) -> Node {
    world.node(host).expect("the test named a host that exists")
}

pub(crate) fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// `b` accepts one connection from `a`: the two ends.
pub(crate) async fn connected(world: &SimWorld) -> (Stream, Stream) {
    let mut listener = node(world, "b").listen(PORT).await.expect("the port is free");
    let stream = node(world, "a").connect("b", PORT).await.expect("b listens");
    (stream, listener.accept().await)
}

/// Sends everything.
pub(crate) async fn send(stream: &mut Stream, bytes: &[u8]) {
    stream.write_all(bytes).await.expect("the connection stands");
}

/// Reads exactly as many bytes as are expected, and compares.
pub(crate) async fn expect(stream: &mut Stream, bytes: &[u8]) {
    let mut read = vec![0; bytes.len()];
    stream.read_exact(&mut read).await.expect("the connection stands");
    assert_eq!(read, bytes);
}

/// What a read says, or `None` if it says nothing for a while.
pub(crate) async fn read_within(stream: &mut Stream, limit: Duration) -> Option<std::io::Result<usize>> {
    tokio::time::timeout(limit, stream.read(&mut [0; 64])).await.ok()
}
