//! The real world behind a node: TCP, the system's clock, tokio's tasks.

use std::collections::BTreeMap;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::time::Instant;

use crate::clock::system_wall_clock;
use crate::descriptors::{REST, WAIT_MAX, is_out_of_descriptors};
use crate::disk::Disk;

/// How a real node sees its surroundings.
#[derive(Clone, Debug)]
pub struct RealOptions {
    /// The service's name.
    pub name: String,
    /// Where it listens. Default 127.0.0.1.
    pub bind: IpAddr,
    /// Addresses of other services by name. A name that is not listed is resolved as a host name.
    pub peers: BTreeMap<String, SocketAddr>,
    /// The seed of its random streams. Default 1.
    pub seed: u64,
    /// How many connections its server may have at once. Default 10,000: with as many calls of its own, it stays
    /// below the 20,480 descriptors that a common limit allows, and below what a small machine has memory for.
    pub connections_max: usize,
    /// The directory in which it keeps files. Default none: such a node has no disk.
    pub data: Option<PathBuf>,
}

impl Default for RealOptions {
    fn default() -> Self {
        Self {
            name: String::new(),
            bind: Ipv4Addr::LOCALHOST.into(),
            peers: BTreeMap::new(),
            seed: 1,
            connections_max: 10_000,
            data: None,
        }
    }
}

/// A service on this machine's own network.
#[derive(Clone, Debug)]
pub(crate) struct RealNode {
    options: Arc<RealOptions>,
    started: Instant,
    started_wall_clock: Duration,
}

impl RealNode {
    pub(crate) fn new(options: RealOptions) -> Self {
        Self { options: Arc::new(options), started: Instant::now(), started_wall_clock: system_wall_clock() }
    }

    pub(crate) fn name(&self) -> &str {
        &self.options.name
    }

    pub(crate) fn seed(&self) -> u64 {
        self.options.seed
    }

    pub(crate) fn connections_max(&self) -> usize {
        self.options.connections_max
    }

    pub(crate) fn disk(&self) -> Disk {
        Disk::real(self.options.data.as_deref())
    }

    /// Runs a future on a thread of its own: what it blocks on holds up nobody else.
    pub(crate) fn spawn_dedicated(
        &self,
        name: &str,
        future: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<()> {
        let runtime = tokio::runtime::Handle::current();
        let thread = thread::Builder::new().name(name.to_owned());
        // Detached: it ends with its future, and at the latest with the process.
        thread.spawn(move || runtime.block_on(future)).map(drop)
    }

    /// Processes of one run share the system's clock: the timeline is the wall clock at the start, then
    /// monotonic, so that a step of the clock does not reorder what one process saw.
    pub(crate) fn elapsed(&self) -> Duration {
        self.started_wall_clock + self.started.elapsed()
    }

    pub(crate) fn wall_clock(&self) -> Duration {
        system_wall_clock()
    }

    pub(crate) async fn listen(&self, port: u16) -> io::Result<RealListener> {
        Ok(RealListener { socket: TcpListener::bind((self.options.bind, port)).await? })
    }

    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<TcpStream> {
        let began = Instant::now();
        loop {
            let connected = match self.options.peers.get(host) {
                Some(address) => TcpStream::connect(address).await,
                None => TcpStream::connect((host, port)).await,
            };
            match connected {
                Err(error) if is_out_of_descriptors(&error) && began.elapsed() < WAIT_MAX => {
                    tokio::time::sleep(REST).await;
                }
                connected => {
                    let stream = connected?;
                    stream.set_nodelay(true)?;
                    return Ok(stream);
                }
            }
        }
    }
}

/// A listening TCP socket that outlives a shortage of descriptors.
#[derive(Debug)]
pub(crate) struct RealListener {
    socket: TcpListener,
}

impl RealListener {
    /// Waits for the next connection. An error of a single connection is skipped.
    pub(crate) async fn accept(&mut self) -> TcpStream {
        loop {
            match self.socket.accept().await {
                Ok((stream, _peer)) => {
                    // A socket that is already gone fails here; its next read says so as well.
                    let _gone = stream.set_nodelay(true);
                    return stream;
                }
                Err(error) if is_of_one_connection(&error) => {}
                // Descriptors or memory have run out.
                Err(_exhausted) => tokio::time::sleep(REST).await,
            }
        }
    }

    pub(crate) fn port(&self) -> io::Result<u16> {
        Ok(self.socket.local_addr()?.port())
    }
}

fn is_of_one_connection(error: &io::Error) -> bool {
    use io::ErrorKind::{ConnectionAborted, ConnectionRefused, ConnectionReset};
    matches!(error.kind(), ConnectionAborted | ConnectionRefused | ConnectionReset)
}
