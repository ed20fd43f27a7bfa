//! Connecting: a handshake over the simulated network.

use std::io;

use tokio::time::{Instant, sleep, sleep_until, timeout};

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
    /// The other machine has answered.
    Answered(io::Result<SimStream>),
    /// Nothing comes back; the descriptor serves the next attempt.
    Lost(Descriptor),
}

/// Connects `from` to a port of `to`, repeating the attempt as TCP does.
pub(super) async fn connect(world: &Shared, from: usize, to: usize, port: u16) -> io::Result<SimStream> {
    let descriptors = lock(world).hosts[from].descriptors.clone();
    let descriptor = descriptors.take_within(WAIT_MAX).await.ok_or_else(out_of_descriptors)?;
    let unanswered = || io::Error::new(io::ErrorKind::TimedOut, "no answer to any connection attempt");
    timeout(tcp::syn_give_up(), attempts(world, from, to, port, descriptor))
        .await
        .unwrap_or_else(|_elapsed| Err(unanswered()))
}

/// Attempts until one is answered: the caller gives up, not this.
async fn attempts(
    world: &Shared,
    from: usize,
    to: usize,
    port: u16,
    mut descriptor: Descriptor,
) -> io::Result<SimStream> {
    let mut attempt = 0;
    loop {
        let sent = Instant::now();
        if cross(world, from, to).await {
            match answer(world, from, to, port, descriptor) {
                Attempt::Answered(result) => {
                    // An answer that is lost on its way back is repeated like any segment; a link that was
                    // cut in this very moment costs the handshake no more than that, and is not modelled.
                    let _arrived = cross(world, to, from).await;
                    return result;
                }
                Attempt::Lost(unused) => descriptor = unused,
            }
        }
        sleep_until(sent + tcp::syn_wait(attempt)).await;
        attempt += 1;
    }
}

/// Takes a segment over a link: waits while the link is held, and then for its delay. Returns whether it
/// arrives: on a cut link it is lost.
async fn cross(world: &Shared, from: usize, to: usize) -> bool {
    loop {
        let changed = lock(world).link(from, to).changed.clone();
        let released = changed.notified();
        let (state, delay) = {
            let mut world = lock(world);
            let link = world.link(from, to);
            (link.state, link.delay())
        };
        match state {
            LinkState::Cut => return false,
            LinkState::Held => released.await,
            LinkState::Open => {
                sleep(delay).await;
                match lock(world).link(from, to).state {
                    LinkState::Open => return true,
                    LinkState::Cut => return false,
                    // It was under way when the hold began: the network keeps it.
                    LinkState::Held => {}
                }
            }
        }
    }
}

/// The attempt has reached the other machine: what does that say?
fn answer(shared: &Shared, from: usize, to: usize, port: u16, descriptor: Descriptor) -> Attempt {
    let mut locked = lock(shared);
    let world: &mut World = &mut locked;
    if world.link(to, from).state == LinkState::Cut || !world.hosts[to].is_powered() {
        return Attempt::Lost(descriptor);
    }
    let host = &mut world.hosts[to];
    let backlog_max = host.options.accept_backlog_max;
    let running = host.state == HostState::Running;
    let Some(backlog) = host.listeners.get_mut(&port).filter(|_| running) else {
        let refused = io::Error::new(io::ErrorKind::ConnectionRefused, "connection refused");
        return Attempt::Answered(Err(refused));
    };
    if backlog.connections.len() >= backlog_max {
        return Attempt::Lost(descriptor);
    }
    let key = world.connections.insert(Connection::new(from, to));
    backlog.connections.push_back(key);
    if let Some(waker) = backlog.waker.take() {
        waker.wake();
    }
    Attempt::Answered(Ok(SimStream::new(shared.clone(), key, 0, descriptor)))
}
