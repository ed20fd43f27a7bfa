//! The world's state, and how a segment travels through it.
//!
//! One lock around everything: a world lives on one thread, so the lock is never contended, and one
//! lock has no order to get wrong. It is never held across a suspension point.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use slab::Slab;
use tokio::time::Instant;

use super::conn::{Connection, EndState, Payload, Segment};
use super::deliveries::Deliveries;
use super::host::Host;
use super::link::{Link, LinkState};
use super::options::Topology;

pub(super) type Shared = Arc<Mutex<World>>;

pub(super) fn lock(world: &Shared) -> MutexGuard<'_, World> {
    // A panic in one simulated task must not hide behind a poisoned lock in the next.
    world.lock().unwrap_or_else(PoisonError::into_inner)
}

#[derive(Debug)]
pub(super) struct World {
    pub(super) seed: u64,
    pub(super) started: Instant,
    pub(super) hosts: Vec<Host>,
    links: Vec<Link>,
    pub(super) connections: Slab<Connection>,
    pub(super) deliveries: Deliveries,
}

impl World {
    pub(super) fn new(seed: u64, topology: Topology) -> Self {
        let started = Instant::now();
        let (hosts, latency) = topology.into_parts();
        let names: Vec<String> = hosts.iter().map(|(name, _)| name.clone()).collect();
        let links = names
            .iter()
            .flat_map(|from| names.iter().map(move |to| Link::new(seed, from, to, latency)))
            .collect();
        let hosts =
            hosts.into_iter().map(|(name, options)| Host::new(seed, name, options, started)).collect();
        Self { seed, started, hosts, links, connections: Slab::new(), deliveries: Deliveries::default() }
    }

    pub(super) fn host_index(&self, name: &str) -> Option<usize> {
        self.hosts.iter().position(|host| host.name == name)
    }

    pub(super) fn link(&mut self, from: usize, to: usize) -> &mut Link {
        let hosts = self.hosts.len();
        &mut self.links[from * hosts + to]
    }

    /// Sends bytes towards one end of a connection.
    pub(super) fn send_data(&mut self, key: usize, to_end: usize, bytes: Bytes) {
        let length = bytes.len();
        if self.transmit(key, to_end, Payload::Data(bytes)) {
            self.connections[key].pipes[to_end].bytes += length;
        }
    }

    /// Closes the direction towards one end.
    pub(super) fn send_fin(&mut self, key: usize, to_end: usize) {
        self.transmit(key, to_end, Payload::Fin);
    }

    /// Puts a segment on its way. Returns whether it stays in the pipe (and is not answered by a reset).
    fn transmit(&mut self, key: usize, to_end: usize, payload: Payload) -> bool {
        let now = Instant::now();
        let connection = &self.connections[key];
        let (from, to) = (connection.ends[1 - to_end].host, connection.ends[to_end].host);
        let nobody_home = connection.ends[to_end].state != EndState::Open;
        let powered = self.hosts[to].is_powered();
        let blocked = connection.pipes[to_end].stalled_since.is_some();
        let link = self.link(from, to);
        let delay = link.delay();
        let lost = link.state == LinkState::Cut || !powered;
        let held = link.state == LinkState::Held;

        let pipe = &mut self.connections[key].pipes[to_end];
        if lost && pipe.stalled_since.is_none() {
            pipe.stalled_since = Some(now);
        }
        if lost || held || blocked {
            pipe.segments.push_back(Segment { at: None, payload });
            return true;
        }
        let at = pipe.last_at.map_or(now + delay, |last| last.max(now + delay));
        pipe.last_at = Some(at);
        if nobody_home {
            if matches!(payload, Payload::Data(_)) {
                self.send_reset(key, 1 - to_end, at);
            }
            return false;
        }
        pipe.segments.push_back(Segment { at: Some(at), payload });
        self.deliveries.add(at, (key, to_end));
        true
    }

    /// Sends a reset towards one end at `from_time`. A reset is not retransmitted: on a cut link, or
    /// towards a host that is off, it is lost.
    pub(super) fn send_reset(&mut self, key: usize, to_end: usize, from_time: Instant) {
        let connection = &self.connections[key];
        let (from, to) = (connection.ends[1 - to_end].host, connection.ends[to_end].host);
        if connection.ends[to_end].state != EndState::Open || !self.hosts[to].is_powered() {
            return;
        }
        let link = self.link(from, to);
        if link.state == LinkState::Cut {
            return;
        }
        let at = from_time + link.delay();
        if link.state == LinkState::Held {
            self.connections[key].pipes[to_end].reset_held = true;
            return;
        }
        let pipe = &mut self.connections[key].pipes[to_end];
        let at = pipe.last_at.map_or(at, |last| last.max(at));
        if pipe.reset_at.is_none_or(|earlier| at < earlier) {
            pipe.reset_at = Some(at);
            self.deliveries.add(at, (key, to_end));
        }
    }

    /// Something has arrived at an end (or room has): its owner may go on.
    pub(super) fn wake(&mut self, key: usize, end: usize) {
        let Some(connection) = self.connections.get_mut(key) else { return };
        let reset = connection.pipes[end].reset_at.is_some();
        connection.pipes[end].wake_reader();
        if reset {
            connection.pipes[1 - end].wake_writer();
        }
    }

    /// The owner of an end lets go of it. With unread bytes that is a reset, as on Linux; without, it is
    /// the end of the stream, and what still arrives is answered with a reset.
    pub(super) fn close(&mut self, key: usize, end: usize) {
        let now = Instant::now();
        let pipe = &self.connections[key].pipes[end];
        let unread = pipe.has_unread(now);
        let arriving = pipe.last_at.filter(|at| *at > now);
        if self.let_go(key, end) {
            if unread {
                self.send_reset(key, 1 - end, now);
            } else {
                self.send_fin(key, 1 - end);
            }
            if let Some(at) = arriving {
                self.send_reset(key, 1 - end, at);
            }
        }
        self.forget_if_unheld(key);
    }

    /// Ends a connection that nobody has accepted, by a reset.
    pub(super) fn refuse(&mut self, key: usize, end: usize) {
        if self.let_go(key, end) {
            self.send_reset(key, 1 - end, Instant::now());
        }
        self.forget_if_unheld(key);
    }

    /// Marks an end as closed by its owner. Returns whether it was open.
    fn let_go(&mut self, key: usize, end: usize) -> bool {
        let connection = &mut self.connections[key];
        connection.ends[end].held = false;
        if connection.ends[end].state != EndState::Open {
            return false;
        }
        connection.ends[end].state = EndState::Closed;
        // Whoever is still repeating something to this end is answered once it gets through.
        let stalled_since = connection.pipes[end].stalled_since;
        connection.pipes[end].clear();
        connection.pipes[end].stalled_since = stalled_since;
        true
    }

    pub(super) fn forget_if_unheld(&mut self, key: usize) {
        if self.connections[key].ends.iter().all(|end| !end.held) {
            self.connections.remove(key);
        }
    }
}
