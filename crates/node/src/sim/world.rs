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
use super::host::{Host, HostState};
use super::link::{Link, LinkState};
use super::options::Topology;
use super::tcp;

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
        let hosts = hosts.into_iter().map(|(name, options)| Host::new(name, options, started)).collect();
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

    /// The owner of an end lets go of it. Unread or late bytes are answered with a reset, as on Linux.
    pub(super) fn close(&mut self, key: usize, end: usize) {
        let now = Instant::now();
        let Some(connection) = self.connections.get_mut(key) else { return };
        connection.ends[end].held = false;
        if connection.ends[end].state == EndState::Open {
            connection.ends[end].state = EndState::Closed;
            let unread = connection.pipes[end].has_unread(now);
            let arriving = connection.pipes[end].last_at.filter(|at| *at > now);
            connection.pipes[end].clear();
            self.send_fin(key, 1 - end);
            match arriving {
                _ if unread => self.send_reset(key, 1 - end, now),
                Some(at) => self.send_reset(key, 1 - end, at),
                None => {}
            }
        }
        self.forget_if_unheld(key);
    }

    pub(super) fn forget_if_unheld(&mut self, key: usize) {
        if self.connections[key].ends.iter().all(|end| !end.held) {
            self.connections.remove(key);
        }
    }

    /// The connections that have an end on a host, and which end.
    pub(super) fn ends_on(&self, host: usize) -> Vec<(usize, usize)> {
        self.connections
            .iter()
            .flat_map(|(key, connection)| (0..2).map(move |end| (key, end, connection.ends[end].host)))
            .filter(|(_, _, on)| *on == host)
            .map(|(key, end, _)| (key, end))
            .collect()
    }

    /// The connections with a direction over the link, and the end it leads to.
    pub(super) fn ends_over(&self, from: usize, to: usize) -> Vec<(usize, usize)> {
        let leads_here = |(key, end): &(usize, usize)| self.connections[*key].ends[1 - *end].host == from;
        self.ends_on(to).into_iter().filter(leads_here).collect()
    }

    /// Ends a host's process. Killed: its peers are told by resets. Powered off: they are not.
    pub(super) fn end_process(&mut self, host: usize, state: HostState) {
        let now = Instant::now();
        let unaccepted = self.hosts[host].end_process(state);
        for (key, end) in self.ends_on(host) {
            let connection = &mut self.connections[key];
            if connection.ends[end].state != EndState::Open {
                continue;
            }
            connection.ends[end].state = EndState::Dead;
            // What is under way to the host has not been acknowledged: its sender will repeat it.
            let unacknowledged = connection.pipes[end].is_under_way(now);
            connection.pipes[end].clear();
            // Wake the streams of the dead so that nobody waits on a connection that is gone.
            connection.pipes[end].wake_reader();
            // What the host had queued and could not send is gone with it.
            connection.pipes[1 - end].segments.retain(|segment| segment.at.is_some());
            match state {
                HostState::Killed => self.send_reset(key, 1 - end, now),
                _ if unacknowledged => connection.pipes[end].stalled_since = Some(now),
                _ => {}
            }
        }
        for key in unaccepted {
            self.connections[key].ends[1].held = false;
            self.forget_if_unheld(key);
        }
    }

    /// Power is back: whoever kept sending to a connection of the old process learns that it is gone.
    pub(super) fn start_process(&mut self, host: usize) {
        let now = Instant::now();
        self.hosts[host].start_process(now);
        for (key, end) in self.ends_on(host) {
            let from = self.connections[key].ends[1 - end].host;
            if self.link(from, host).state == LinkState::Open {
                self.resume(key, end, now);
            }
        }
    }

    /// The way towards an end is free again: what stalled goes on at the sender's next retransmission.
    fn resume(&mut self, key: usize, end: usize, now: Instant) {
        let Some(lost) = self.connections[key].pipes[end].stalled_since.take() else { return };
        let (from, to) = (self.connections[key].ends[1 - end].host, self.connections[key].ends[end].host);
        let at = tcp::resumes_at(lost, now) + self.link(from, to).delay();
        self.arrive(key, end, at);
    }

    /// Everything that was blocked on its way to an end arrives at `at`, or is answered by a reset.
    fn arrive(&mut self, key: usize, end: usize, at: Instant) {
        let connection = &mut self.connections[key];
        if connection.ends[end].state == EndState::Open {
            if connection.pipes[end].schedule(at) {
                let at = connection.pipes[end].last_at.unwrap_or(at);
                self.deliveries.add(at, (key, end));
            }
        } else {
            connection.pipes[end].clear();
            self.send_reset(key, 1 - end, at);
        }
    }

    /// Changes what a link lets through.
    pub(super) fn set_link(&mut self, from: usize, to: usize, state: LinkState) {
        let now = Instant::now();
        let before = std::mem::replace(&mut self.link(from, to).state, state);
        if before == state {
            return;
        }
        for (key, end) in self.ends_over(from, to) {
            match state {
                LinkState::Open if !self.hosts[to].is_powered() => {}
                LinkState::Open if self.connections[key].pipes[end].stalled_since.is_some() => {
                    self.resume(key, end, now);
                }
                LinkState::Open => {
                    let at = now + self.link(from, to).delay();
                    if self.connections[key].pipes[end].is_under_way(now) {
                        self.arrive(key, end, at);
                    }
                }
                LinkState::Cut | LinkState::Held => self.block(key, end, now, state),
            }
        }
    }

    /// What is under way when a link closes does not arrive: it is lost (cut), or kept (held).
    fn block(&mut self, key: usize, end: usize, now: Instant, state: LinkState) {
        let pipe = &mut self.connections[key].pipes[end];
        if !pipe.is_under_way(now) {
            return;
        }
        pipe.unschedule(now);
        if state == LinkState::Cut && pipe.stalled_since.is_none() {
            pipe.stalled_since = Some(now);
        }
    }
}
