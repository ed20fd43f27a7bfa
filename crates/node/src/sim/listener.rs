//! A listening socket of the simulated network.

use std::future::{pending, poll_fn};
use std::task::{Context, Poll};

use super::descriptors::{Descriptor, Descriptors};
use super::host::{Backlog, HostState};
use super::stream::SimStream;
use super::world::{Shared, World, lock};

/// Accepts what waits in a port's backlog. Dropping it stops listening and resets what still waits.
#[derive(Debug)]
pub(crate) struct SimListener {
    world: Shared,
    host: usize,
    incarnation: u64,
    port: u16,
    _descriptor: Descriptor,
}

impl SimListener {
    /// Takes over a backlog.
    pub(super) fn new(
        world: Shared,
        host: usize,
        incarnation: u64,
        port: u16,
        descriptor: Descriptor,
    ) -> Self {
        Self { world, host, incarnation, port, _descriptor: descriptor }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    /// First a connection has to wait, then it needs a descriptor: until one is free, it waits on.
    pub(crate) async fn accept(&mut self) -> SimStream {
        let descriptors = poll_fn(|cx| self.poll_waiting(cx)).await;
        let descriptor = descriptors.take().await;
        let first = self.backlog(&mut lock(&self.world)).and_then(|backlog| backlog.connections.pop_front());
        match first {
            Some(key) => SimStream::new(self.world.clone(), key, 1, descriptor),
            // The process has ended meanwhile, and this task is about to.
            None => pending().await,
        }
    }

    fn poll_waiting(&self, cx: &mut Context<'_>) -> Poll<Descriptors> {
        let mut world = lock(&self.world);
        let Some(backlog) = self.backlog(&mut world) else { return Poll::Pending };
        if backlog.connections.is_empty() {
            backlog.waker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        Poll::Ready(world.hosts[self.host].descriptors.clone())
    }

    /// The backlog, as long as the process lives that listens.
    fn backlog<'a>(&self, world: &'a mut World) -> Option<&'a mut Backlog> {
        let host = &mut world.hosts[self.host];
        let alive = host.incarnation == self.incarnation && host.state == HostState::Running;
        host.listeners.get_mut(&self.port).filter(|_| alive)
    }
}

impl Drop for SimListener {
    fn drop(&mut self) {
        let mut world = lock(&self.world);
        if self.backlog(&mut world).is_none() {
            return;
        }
        let waiting = world.hosts[self.host].listeners.remove(&self.port);
        for key in waiting.into_iter().flat_map(|backlog| backlog.connections) {
            world.refuse(key, 1);
        }
    }
}
