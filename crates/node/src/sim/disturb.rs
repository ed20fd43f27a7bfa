//! What faults do to the world: processes end and start, links close and open.
//!
//! The rule behind all of it is TCP's: what has not arrived has not been acknowledged, so its sender goes
//! on repeating it, and learns what became of the other side when one repetition gets through.

use tokio::time::Instant;

use super::conn::EndState;
use super::host::HostState;
use super::link::LinkState;
use super::tcp;
use super::world::World;

impl World {
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
        let unaccepted = self.hosts[host].end_process(state, now);
        for (key, end) in self.ends_on(host) {
            let peer = self.connections[key].ends[1 - end].host;
            let open = self.connections[key].ends[end].state == EndState::Open;
            // What the machine was still repeating is gone with the process or, if it had closed the stream
            // and only the kernel was left to deliver it, with the power. What the network holds is not.
            let forgets = open || state == HostState::PoweredOff;
            if forgets && self.link(host, peer).state != LinkState::Held {
                self.connections[key].pipes[1 - end].segments.retain(|segment| segment.at.is_some());
            }
            if !open {
                continue;
            }
            let connection = &mut self.connections[key];
            connection.ends[end].state = EndState::Dead;
            // What is under way to the host has not been acknowledged: its sender will repeat it.
            let pipe = &mut connection.pipes[end];
            let unacknowledged_since = pipe.stalled_since.or(pipe.is_under_way(now).then_some(now));
            pipe.clear();
            // Wake the streams of the dead so that nobody waits on a connection that is gone.
            connection.pipes[end].wake_reader();
            if state == HostState::Killed {
                self.send_reset(key, 1 - end, now);
            }
            if state == HostState::PoweredOff || self.link(peer, host).state == LinkState::Cut {
                self.connections[key].pipes[end].stalled_since = unacknowledged_since;
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
            self.resume(key, end, now);
        }
    }

    /// The way towards an end is free again: what stalled goes on at the sender's next retransmission.
    fn resume(&mut self, key: usize, end: usize, now: Instant) {
        let connection = &self.connections[key];
        let (from, to) = (connection.ends[1 - end].host, connection.ends[end].host);
        let Some(lost) = connection.pipes[end].stalled_since else { return };
        let there = self.link(from, to).state == LinkState::Open && self.hosts[to].is_powered();
        // A reset that cannot come back either changes nothing: the sender goes on repeating itself.
        let answered = self.connections[key].ends[end].state == EndState::Open
            || self.link(to, from).state == LinkState::Open;
        if !there || !answered {
            return;
        }
        self.connections[key].pipes[end].stalled_since = None;
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
        let link = self.link(from, to);
        let before = std::mem::replace(&mut link.state, state);
        if before == state {
            return;
        }
        link.changed.notify_waiters();
        for (key, end) in self.ends_over(from, to) {
            if state == LinkState::Open {
                self.release(key, end, now);
                self.resume(key, end, now);
                // What was sent the other way to nobody can now be answered.
                self.resume(key, 1 - end, now);
            } else {
                self.block(key, end, now, state);
            }
        }
    }

    /// What a held link has kept back arrives, as if it had just been sent.
    fn release(&mut self, key: usize, end: usize, now: Instant) {
        let pipe = &mut self.connections[key].pipes[end];
        let reset = std::mem::take(&mut pipe.reset_held);
        if pipe.is_under_way(now) && pipe.stalled_since.is_none() {
            let (from, to) = (self.connections[key].ends[1 - end].host, self.connections[key].ends[end].host);
            let at = now + self.link(from, to).delay();
            self.arrive(key, end, at);
        }
        if reset {
            self.send_reset(key, end, now);
        }
    }

    /// What is under way when a link closes does not arrive: it is lost (cut), or kept (held).
    fn block(&mut self, key: usize, end: usize, now: Instant, state: LinkState) {
        let pipe = &mut self.connections[key].pipes[end];
        if pipe.reset_at.is_some_and(|at| at > now) {
            pipe.reset_at = None;
            pipe.reset_held = state == LinkState::Held;
        }
        if !pipe.is_under_way(now) {
            return;
        }
        pipe.unschedule(now);
        if state == LinkState::Cut && pipe.stalled_since.is_none() {
            pipe.stalled_since = Some(now);
        }
    }
}
