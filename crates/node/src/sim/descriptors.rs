//! A process's descriptors: so many sockets and no more.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use crate::gauge::{Gauge, GaugeGuard};

/// Hands out descriptors, first come first served. Cloning shares them.
#[derive(Clone, Debug)]
pub(super) struct Descriptors {
    free: Arc<Semaphore>,
    pub(super) used: Gauge,
}

/// One descriptor; given back when dropped.
#[derive(Debug)]
pub(super) struct Descriptor {
    _permit: OwnedSemaphorePermit,
    _counted: GaugeGuard,
}

impl Descriptors {
    pub(super) fn new(max: usize) -> Self {
        Self { free: Arc::new(Semaphore::new(max.min(Semaphore::MAX_PERMITS))), used: Gauge::new() }
    }

    /// A new process begins with all of them, whatever the old one still has to drop.
    pub(super) fn renew(&mut self, max: usize) {
        self.free = Self::new(max).free;
    }

    /// A descriptor, if one is free at once and nobody waits.
    pub(super) fn try_take(&self) -> Option<Descriptor> {
        Arc::clone(&self.free).try_acquire_owned().ok().map(|permit| self.counted(permit))
    }

    /// Waits for a descriptor.
    pub(super) async fn take(self) -> Descriptor {
        let permit = Arc::clone(&self.free).acquire_owned().await;
        self.counted(permit.expect("the semaphore is never closed"))
    }

    /// Waits for a descriptor, so long and no longer.
    pub(super) async fn take_within(self, limit: Duration) -> Option<Descriptor> {
        timeout(limit, self.take()).await.ok()
    }

    fn counted(&self, permit: OwnedSemaphorePermit) -> Descriptor {
        Descriptor { _permit: permit, _counted: self.used.enter() }
    }
}
