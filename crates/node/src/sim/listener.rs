//! A listening socket of the simulated network.

use std::future::poll_fn;
use std::task::{Context, Poll};

use super::host::HostState;
use super::stream::SimStream;
use super::world::{Shared, lock};

/// Accepts what waits in a port's backlog. Dropping it stops listening and resets what still waits.
#[derive(Debug)]
pub(crate) struct SimListener {
    world: Shared,
    host: usize,
    incarnation: u64,
    port: u16,
}

impl SimListener {
    /// Takes over a backlog, and a descriptor that the host has already counted.
    pub(super) fn new(world: Shared, host: usize, incarnation: u64, port: u16) -> Self {
        Self { world, host, incarnation, port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) async fn accept(&mut self) -> SimStream {
        poll_fn(|cx| self.poll_accept(cx)).await
    }

    fn poll_accept(&self, cx: &mut Context<'_>) -> Poll<SimStream> {
        let mut world = lock(&self.world);
        let host = &mut world.hosts[self.host];
        if host.incarnation != self.incarnation {
            return Poll::Pending;
        }
        let Some(backlog) = host.listeners.get_mut(&self.port) else { return Poll::Pending };
        if backlog.connections.is_empty() {
            backlog.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        if host.descriptors >= host.options.descriptors_max {
            host.descriptor_wakers.push(cx.waker().clone());
            return Poll::Pending;
        }
        let key = backlog.connections.pop_front().expect("it was not empty a moment ago");
        host.take_descriptor();
        Poll::Ready(SimStream::new(self.world.clone(), key, 1, self.host, self.incarnation))
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let mut world = lock(&self.world);
        let host = &mut world.hosts[self.host];
        if host.incarnation != self.incarnation || host.state != HostState::Running {
            return;
        }
        let waiting = host.listeners.remove(&self.port);
        host.return_descriptor();
        for key in waiting.into_iter().flat_map(|backlog| backlog.connections) {
            world.close(key, 1);
        }
    }
}
