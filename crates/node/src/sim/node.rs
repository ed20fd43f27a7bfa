//! A host of the simulated world, as its service sees it.

use std::future::Future;
use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, sleep_until};

use super::connect::connect;
use super::cpu::Work;
use super::disk::SimFile;
use super::host::{Backlog, HostState};
use super::listener::SimListener;
use super::stream::SimStream;
use super::world::{Shared, lock};
use crate::descriptors::out_of_descriptors;
use crate::task::Task;

/// The simulated wall clock when a world begins: 2026-01-01T00:00:00Z.
const EPOCH: Duration = Duration::from_secs(1_767_225_600);

#[derive(Clone, Debug)]
pub(crate) struct SimNode {
    world: Shared,
    host: usize,
    name: Arc<str>,
    seed: u64,
    started: Instant,
}

impl SimNode {
    pub(super) fn new(world: &Shared, host: usize) -> Self {
        let locked = lock(world);
        let name = Arc::from(locked.hosts[host].name.as_str());
        Self { world: world.clone(), host, name, seed: locked.seed, started: locked.started }
    }

    pub(crate) fn name(&self) -> &str {
        &self.name
    }

    pub(crate) fn seed(&self) -> u64 {
        self.seed
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    pub(crate) fn wall_clock(&self) -> Duration {
        let right = EPOCH + self.elapsed();
        let error_us = lock(&self.world).hosts[self.host].wall_clock_error_us;
        let error = Duration::from_micros(error_us.unsigned_abs());
        // As on a real machine, no clock stands before 1970.
        if error_us < 0 { right.saturating_sub(error) } else { right + error }
    }

    pub(crate) fn listen(&self, port: u16) -> io::Result<SimListener> {
        let mut world = lock(&self.world);
        let host = &mut world.hosts[self.host];
        if host.listeners.contains_key(&port) {
            return Err(io::Error::new(io::ErrorKind::AddrInUse, "address already in use"));
        }
        let descriptor = host.descriptors.try_take().ok_or_else(out_of_descriptors)?;
        host.listeners.insert(port, Backlog::default());
        Ok(SimListener::new(self.world.clone(), self.host, host.incarnation, port, descriptor))
    }

    pub(crate) async fn connect(&self, host: &str, port: u16) -> io::Result<SimStream> {
        let to = lock(&self.world)
            .host_index(host)
            .ok_or_else(|| io::Error::new(io::ErrorKind::NotFound, format!("no host is called `{host}`")))?;
        connect(&self.world, self.host, to, port).await
    }

    pub(crate) fn spawn<F>(&self, future: F) -> Task<F::Output>
    where
        F: Future + Send + 'static,
        F::Output: Send + 'static,
    {
        let Some(place) = self.take_place() else { return Task::stopped() };
        let key = place.key;
        // Not under the lock: a runtime that is shutting down drops the future on the spot.
        #[expect(clippy::disallowed_methods, reason = "this is where a task is tied to its host")]
        let handle = tokio::spawn(HostTask { future, _place: place });
        if let Some(entry) = lock(&self.world).hosts[self.host].tasks.get_mut(key) {
            *entry = Some(handle.abort_handle());
        }
        Task::running(handle)
    }

    /// Takes a place in the process table, if there is a process.
    fn take_place(&self) -> Option<Place> {
        let mut world = lock(&self.world);
        let host = &mut world.hosts[self.host];
        (host.state == HostState::Running).then(|| Place {
            world: self.world.clone(),
            host: self.host,
            incarnation: host.incarnation,
            key: host.tasks.insert(None),
        })
    }

    /// Opens a file on the host's disk, for the process that runs there now.
    pub(crate) fn open_file(&self, name: &str) -> io::Result<SimFile> {
        SimFile::open(&self.world, self.host, name)
    }

    pub(crate) async fn compute(&self, work: Work) {
        let wait = lock(&self.world).hosts[self.host].cpu.book(Instant::now(), work);
        if let Some(until) = wait {
            sleep_until(until).await;
        }
    }
}

pin_project! {
    /// A future with its place in the host's process table.
    struct HostTask<F> {
        #[pin]
        future: F,
        _place: Place,
    }
}

impl<F: Future> Future for HostTask<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

/// A place in a host's process table; given back when the task ends, however it ends.
struct Place {
    world: Shared,
    host: usize,
    incarnation: u64,
    key: usize,
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut world = lock(&self.world);
        let host = &mut world.hosts[self.host];
        if host.incarnation == self.incarnation {
            // The table of a process that ended is already empty.
            let _ended = host.tasks.try_remove(self.key);
        }
    }
}
