//! The world from outside: what builds it, disturbs it and looks at it.

use thiserror::Error;
use tokio::time::Instant;

use super::deliveries::drive;
use super::host::HostState;
use super::link::LinkState;
use super::node::SimNode;
use super::options::{Latency, Topology};
use super::world::{Shared, World, lock};
use crate::gauge::Gauge;
use crate::node::Node;

/// A simulated world and the control over it. Cloning gives another handle to the same world.
///
/// Every fault acts at the present virtual instant and is out of band: none travels through the
/// simulated network.
#[derive(Clone, Debug)]
pub struct SimWorld {
    world: Shared,
}

/// No host of the world has that name.
#[derive(Clone, Debug, Error, PartialEq, Eq)]
#[error("no host is called `{name}` (there are: {known})")]
pub struct UnknownHost {
    /// The name that was asked for.
    pub name: String,
    /// The names there are.
    pub known: String,
}

impl SimWorld {
    /// Builds a world; all hosts run and all links are open.
    ///
    /// # Panics
    /// Outside a tokio runtime. The runtime must be a paused `current_thread` one: in any other the
    /// simulation works, but in real time and not reproducibly.
    #[must_use]
    pub fn new(seed: u64, topology: Topology) -> Self {
        let world = Shared::new(World::new(seed, topology).into());
        #[expect(clippy::disallowed_methods, reason = "the network belongs to no host")]
        let _driver = tokio::spawn(drive(world.clone()));
        Self { world }
    }

    /// The host as its service sees it. The handle stays good over restarts.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn node(&self, host: &str) -> Result<Node, UnknownHost> {
        Ok(SimNode::new(&self.world, self.host(host)?).into())
    }

    /// The host's descriptors in use (every open socket and listener is one).
    ///
    /// # Errors
    /// When there is no such host.
    pub fn descriptors(&self, host: &str) -> Result<Gauge, UnknownHost> {
        let host = self.host(host)?;
        Ok(lock(&self.world).hosts[host].descriptors.used.clone())
    }

    /// Whether the host's process runs.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn is_running(&self, host: &str) -> Result<bool, UnknownHost> {
        let host = self.host(host)?;
        Ok(lock(&self.world).hosts[host].state == HostState::Running)
    }

    /// Ends the host's process: its tasks stop, its peers get resets, connections to it are refused.
    /// A host that is already down stays as it is.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn kill(&self, host: &str) -> Result<(), UnknownHost> {
        self.end(host, HostState::Killed)
    }

    /// Cuts the host's power: its tasks stop and nobody is told. A killed host can lose its power too.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn power_off(&self, host: &str) -> Result<(), UnknownHost> {
        self.end(host, HostState::PoweredOff)
    }

    /// Gives a host that is down a fresh process. Its services have to be started again, on the same node.
    /// A running host stays as it is.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn restart(&self, host: &str) -> Result<(), UnknownHost> {
        let host = self.host(host)?;
        let mut world = lock(&self.world);
        if world.hosts[host].state != HostState::Running {
            world.start_process(host);
        }
        Ok(())
    }

    /// Segments from one host to the other are lost from now on; the other direction is not touched.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn cut(&self, from: &str, to: &str) -> Result<(), UnknownHost> {
        self.set_link(from, to, LinkState::Cut)
    }

    /// Segments from one host to the other are kept back from now on, in order, and lost by nobody.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn hold(&self, from: &str, to: &str) -> Result<(), UnknownHost> {
        self.set_link(from, to, LinkState::Held)
    }

    /// Segments from one host to the other get through again. What a cut has stalled goes on when its
    /// sender next retransmits; what was held arrives at once.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn open(&self, from: &str, to: &str) -> Result<(), UnknownHost> {
        self.set_link(from, to, LinkState::Open)
    }

    /// Cuts both directions between two hosts.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn partition(&self, a: &str, b: &str) -> Result<(), UnknownHost> {
        self.cut(a, b)?;
        self.cut(b, a)
    }

    /// Opens both directions between two hosts.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn heal(&self, a: &str, b: &str) -> Result<(), UnknownHost> {
        self.open(a, b)?;
        self.open(b, a)
    }

    /// Changes how long segments take from one host to the other. What is under way keeps its time.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn set_latency(&self, from: &str, to: &str, latency: Latency) -> Result<(), UnknownHost> {
        let (from, to) = (self.host(from)?, self.host(to)?);
        lock(&self.world).link(from, to).latency = latency;
        Ok(())
    }

    /// Sets a host's wall clock ahead (positive) or back (negative) by so many microseconds. Jumps add up and
    /// outlive its process. Only [`Node::wall_clock`] sees them: [`Node::now`] and [`Node::elapsed`] go on.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn jump_clock(&self, host: &str, by_us: i64) -> Result<(), UnknownHost> {
        let host = self.host(host)?;
        let mut world = lock(&self.world);
        let error_us = &mut world.hosts[host].wall_clock_error_us;
        *error_us = error_us.saturating_add(by_us);
        Ok(())
    }

    /// Sets how many bytes the host's files may have together. What is there already stays.
    ///
    /// # Errors
    /// When there is no such host.
    pub fn set_disk_max(&self, host: &str, bytes_max: u64) -> Result<(), UnknownHost> {
        let host = self.host(host)?;
        lock(&self.world).hosts[host].disk.bytes_max = bytes_max;
        Ok(())
    }

    fn set_link(&self, from: &str, to: &str, state: LinkState) -> Result<(), UnknownHost> {
        let (from, to) = (self.host(from)?, self.host(to)?);
        lock(&self.world).set_link(from, to, state);
        Ok(())
    }

    fn end(&self, host: &str, state: HostState) -> Result<(), UnknownHost> {
        let host = self.host(host)?;
        let mut world = lock(&self.world);
        if world.hosts[host].state == HostState::Running {
            world.end_process(host, state);
        } else if state == HostState::PoweredOff {
            let host = &mut world.hosts[host];
            // What the system still kept for the killed process is lost too.
            if host.state == HostState::Killed {
                host.disk.end_process(state, Instant::now());
            }
            host.state = state;
        }
        Ok(())
    }

    fn host(&self, name: &str) -> Result<usize, UnknownHost> {
        let world = lock(&self.world);
        world.host_index(name).ok_or_else(|| {
            let known: Vec<&str> = world.hosts.iter().map(|host| host.name.as_str()).collect();
            UnknownHost { name: name.to_owned(), known: known.join(", ") }
        })
    }
}
