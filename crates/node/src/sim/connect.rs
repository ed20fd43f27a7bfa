//! Connecting: a handshake over the simulated network.

use std::io;

use tokio::time::{Instant, sleep_until};

use super::conn::Connection;
use super::descriptors::Descriptor;
use super::host::HostState;
use super::link::LinkState;
use super::stream::SimStream;
use super::tcp;
use super::world::{Shared, World, lock};
use crate::descriptors::{WAIT_MAX, out_of_descriptors};

/// What became of one attempt.
enum Attempt {
    /// The answer arrives at the given time.
    Answered(Instant, io::Result<SimStream>),
    /// Nothing comes back; the descriptor serves the next attempt.
    Lost(Descriptor),
}

/// Connects `from` to a port of `to`, repeating the attempt as TCP does.
pub(super) async fn connect(world: &Shared, from: usize, to: usize, port: u16) -> io::Result<SimStream> {
    let descriptors = lock(world).hosts[from].descriptors.clone();
    let mut descriptor = descriptors.take_within(WAIT_MAX).await.ok_or_else(out_of_descriptors)?;
    for attempt in 0..=tcp::SYN_RETRIES_MAX {
        let sent = Instant::now();
        let arrives = {
            let mut locked = lock(world);
            let link = locked.link(from, to);
            (link.state != LinkState::Cut).then(|| sent + link.delay())
        };
        if let Some(arrives) = arrives {
            sleep_until(arrives).await;
            match answer(world, from, to, port, descriptor) {
                Attempt::Answered(at, result) => {
                    sleep_until(at).await;
                    return result;
                }
                Attempt::Lost(unused) => descriptor = unused,
            }
        }
        sleep_until(sent + tcp::syn_wait(attempt)).await;
    }
    Err(io::Error::new(io::ErrorKind::TimedOut, "no answer to any connection attempt"))
}

/// The attempt has reached the other host (if the link let it through): what does that host say?
fn answer(shared: &Shared, from: usize, to: usize, port: u16, descriptor: Descriptor) -> Attempt {
    let mut locked = lock(shared);
    let world: &mut World = &mut locked;
    let both_ways_open = [(from, to), (to, from)].map(|(a, b)| world.link(a, b).state == LinkState::Open);
    if both_ways_open != [true, true] || !world.hosts[to].is_powered() {
        return Attempt::Lost(descriptor);
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
        return Attempt::Lost(descriptor);
    }
    let key = world.connections.insert(Connection::new(from, to));
    backlog.connections.push_back(key);
    if let Some(waker) = backlog.waker.take() {
        waker.wake();
    }
    Attempt::Answered(at, Ok(SimStream::new(shared.clone(), key, 0, descriptor)))
}
