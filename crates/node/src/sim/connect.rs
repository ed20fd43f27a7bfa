//! Connecting: a handshake over the simulated network.

use std::io;

use tokio::time::{Instant, sleep, sleep_until};

use super::conn::Connection;
use super::host::HostState;
use super::link::LinkState;
use super::options::TICK;
use super::stream::SimStream;
use super::tcp;
use super::world::{Shared, World, lock};
use crate::descriptors::out_of_descriptors;

/// What became of one attempt.
enum Attempt {
    /// The answer arrives at the given time.
    Answered(Instant, io::Result<SimStream>),
    /// Nothing comes back.
    Lost,
}

/// Connects `from` to a port of `to`, repeating the attempt as TCP does.
pub(super) async fn connect(world: &Shared, from: usize, to: usize, port: u16) -> io::Result<SimStream> {
    let Some(mut descriptor) = Descriptor::take(world, from) else {
        // Failing takes a tick, so that a loop that tries again at once cannot stop the clock.
        sleep(TICK).await;
        return Err(out_of_descriptors());
    };
    let incarnation = descriptor.incarnation;
    for attempt in 0..=tcp::SYN_RETRIES_MAX {
        let sent = Instant::now();
        let arrives = {
            let mut locked = lock(world);
            let link = locked.link(from, to);
            (link.state != LinkState::Cut).then(|| sent + link.delay())
        };
        if let Some(arrives) = arrives {
            sleep_until(arrives).await;
            if let Attempt::Answered(at, result) = answer(world, from, to, port, incarnation) {
                descriptor.taken = result.is_err();
                sleep_until(at).await;
                return result;
            }
        }
        sleep_until(sent + tcp::syn_wait(attempt)).await;
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "no answer to any connection attempt"))
}

/// The attempt has reached the other host (if the link let it through): what does that host say?
fn answer(shared: &Shared, from: usize, to: usize, port: u16, incarnation: u64) -> Attempt {
    let mut locked = lock(shared);
    let world: &mut World = &mut locked;
    let gets_through = world.link(from, to).state == LinkState::Open;
    let answer_gets_through = world.link(to, from).state != LinkState::Cut;
    if !gets_through || !answer_gets_through || !world.hosts[to].is_powered() {
        return Attempt::Lost;
    }
    let at = Instant::now() + world.link(to, from).delay();
    let host = &mut world.hosts[to];
    let backlog_max = host.options.accept_backlog_max;
    let running = host.state == HostState::Running;
    let Some(backlog) = host.listeners.get_mut(&port).filter(|_| running) else {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused");
        return Attempt::Answered(at, Err(refused));
    };
    if backlog.connections.len() >= backlog_max {
        return Attempt::Lost;
    }
    let key = world.connections.insert(Connection::new(from, to));
    backlog.connections.push_back(key);
    if let Some(waker) = backlog.waker.take() {
        waker.wake();
    }
    Attempt::Answered(at, Ok(SimStream::new(shared.clone(), key, 0, from, incarnation)))
}

/// Gives the descriptor back when connecting fails or is abandoned.
struct Descriptor<'a> {
    world: &'a Shared,
    host: usize,
    incarnation: u64,
    taken: bool,
}

impl<'a> Descriptor<'a> {
    fn take(world: &'a Shared, host: usize) -> Option<Self> {
        let mut locked = lock(world);
        let incarnation = locked.hosts[host].incarnation;
        locked.hosts[host].take_descriptor().then(|| Self { world, host, incarnation, taken: true })
    }
}

impl Drop for Descriptor<'_> {
    fn drop(&mut self) {
        if self.taken {
            let mut world = lock(self.world);
            let host = &mut world.hosts[self.host];
            if host.incarnation == self.incarnation && host.descriptors > 0 {
                host.return_descriptor();
            }
        }
    }
}
