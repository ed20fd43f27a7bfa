//! The seam itself.

use std::future::Future;
use std::io;
use std::time::Duration;

use tokio::time::Instant;

use crate::disk::Disk;
use crate::real::{RealNode, RealOptions};
use crate::rng::{Rng, named_rng};
use crate::sim::{SimNode, Work};
use crate::stopping::Stopping;
use crate::stream::{Listener, Stream};
use crate::task::Task;
use crate::usage::ProcessUsage;

/// A service's view of its world. Cloning gives another handle to the same host.
#[derive(Clone, Debug)]
pub struct Node {
    kind: Kind,
    stopping: Stopping,
}

#[derive(Clone, Debug)]
enum Kind {
    Real(RealNode),
    Sim(SimNode),
}

impl From<SimNode> for Node {
    fn from(node: SimNode) -> Self {
        Self { kind: Kind::Sim(node), stopping: Stopping::default() }
    }
}

impl Node {
    /// A node on this machine's own network and clock.
    ///
    /// Must be called within a tokio runtime that has its time and network drivers enabled.
    #[must_use]
    pub fn real(options: RealOptions) -> Self {
        Self { kind: Kind::Real(RealNode::new(options)), stopping: Stopping::default() }
    }

    /// The service's (and its host's) name.
    #[must_use]
    pub fn name(&self) -> &str {
        match &self.kind {
            Kind::Real(node) => node.name(),
            Kind::Sim(node) => node.name(),
        }
    }

    /// Whether the process of this node was asked to stop, and what it has to finish before. Shared by the
    /// clones of this node, and by nothing else.
    #[must_use]
    pub const fn stopping(&self) -> &Stopping {
        &self.stopping
    }

    /// How many connections a server of this node may have at once. A simulated host is bounded by its descriptors.
    #[must_use]
    pub fn connections_max(&self) -> usize {
        match &self.kind {
            Kind::Real(node) => node.connections_max(),
            Kind::Sim(_) => crate::http::CONNECTIONS_MAX,
        }
    }

    /// Listens on a port; 0 lets a real system choose one.
    ///
    /// # Errors
    /// When the port is taken, or may not be used.
    pub async fn listen(&self, port: u16) -> io::Result<Listener> {
        match &self.kind {
            Kind::Real(node) => Ok(node.listen(port).await?.into()),
            Kind::Sim(node) => Ok(node.listen(port)?.into()),
        }
    }

    /// Connects to a service by its name. There is no timeout here but the network's own (about two
    /// minutes, as on Linux). A process that has no descriptor left waits for one, for up to a minute.
    ///
    /// # Errors
    /// When the name is unknown, the connection refused, or no descriptor came free.
    ///
    /// # Cancel safety
    /// Dropping the future abandons the connection.
    pub async fn connect(&self, host: &str, port: u16) -> io::Result<Stream> {
        match &self.kind {
            Kind::Real(node) => Ok(node.connect(host, port).await?.into()),
            Kind::Sim(node) => Ok(node.connect(host, port).await?.into()),
        }
    }

    /// Runs a task on this host: it ends with its host's process, wherever it is suspended.
    pub fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        match &self.kind {
            #[expect(clippy::disallowed_methods, reason = "the one place that spawns real tasks")]
            Kind::Real(_) => Task::running(tokio::spawn(future)),
            Kind::Sim(node) => node.spawn(future),
        }
    }

    /// Runs a task that may block on this host's [`disk`](Node::disk): on a real host it has a thread of its own, on
    /// a simulated one it is a task like the others, and the disk takes virtual time.
    ///
    /// # Errors
    /// When the system has no thread to give.
    pub fn spawn_dedicated<F>(&self, name: &str, future: F) -> io::Result<()>
    where
        F: Future<Output = ()> + Send + 'static,
    {
        match &self.kind {
            Kind::Real(node) => node.spawn_dedicated(name, future),
            Kind::Sim(node) => {
                // Detached: it ends with its host's process.
                drop(node.spawn(future));
                Ok(())
            }
        }
    }

    /// This host's disk.
    #[must_use]
    pub fn disk(&self) -> Disk {
        match &self.kind {
            Kind::Real(node) => node.disk(),
            Kind::Sim(node) => Disk::sim(node.clone()),
        }
    }

    /// The monotonic clock.
    #[must_use]
    pub fn now(&self) -> Instant {
        Instant::now()
    }

    /// Time on the run's own timeline, comparable between the services of one run: since the simulated
    /// world began, or the system's clock (since the Unix epoch) made monotonic within each process.
    #[must_use]
    pub fn elapsed(&self) -> Duration {
        match &self.kind {
            Kind::Real(node) => node.elapsed(),
            Kind::Sim(node) => node.elapsed(),
        }
    }

    /// This host's wall clock: time since the Unix epoch. It may jump; order nothing by it.
    #[must_use]
    pub fn wall_clock(&self) -> Duration {
        match &self.kind {
            Kind::Real(node) => node.wall_clock(),
            Kind::Sim(node) => node.wall_clock(),
        }
    }

    /// What this service's process uses; `None` where that is not known: in a simulated world, or on a system that
    /// does not tell.
    #[must_use]
    pub fn usage(&self) -> Option<ProcessUsage> {
        match &self.kind {
            Kind::Real(_) => ProcessUsage::own(),
            Kind::Sim(_) => None,
        }
    }

    /// This host's random stream of that name. Asking twice gives the same numbers twice: keep it.
    #[must_use]
    pub fn rng(&self, stream: &str) -> Rng {
        let seed = match &self.kind {
            Kind::Real(node) => node.seed(),
            Kind::Sim(node) => node.seed(),
        };
        named_rng(seed, &format!("{}/{stream}", self.name()))
    }

    /// Waits. Simulated timers tick in whole milliseconds and round up.
    pub async fn sleep(&self, duration: Duration) {
        tokio::time::sleep(duration).await;
    }

    /// Whether time is the machine's own.
    pub(crate) fn is_real(&self) -> bool {
        matches!(self.kind, Kind::Real(_))
    }

    /// Charges the host's processors for a piece of work. Real work costs real time by itself.
    pub(crate) async fn compute(&self, work: Work) {
        match &self.kind {
            Kind::Real(_) => {}
            Kind::Sim(node) => node.compute(work).await,
        }
    }

    /// Whether answers carry a `Date`, which would make simulated bytes depend on the real clock.
    pub(crate) fn dates_answers(&self) -> bool {
        matches!(self.kind, Kind::Real(_))
    }
}
