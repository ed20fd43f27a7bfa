//! The layer: where keys enter a stack of services.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use tower::Layer;

use super::handle::IdempotencyHandle;
use super::observer::IdempotencyObserver;
use super::records::IdempotencyRecords;
use super::service::Idempotency;
use super::settings::IdempotencySettings;
use super::shared::Shared;
use crate::clock::Clock;

/// Runs calls with the same key once. All services made by this layer and its clones share what is in flight.
///
/// It belongs outside of everything that limits the work it protects (worker pools, breakers, retries):
/// a replay or a joined call costs none of that. Also outside of the request's timeout, which then ends a
/// call with a result that the scheme can judge; from outside it would drop the call in the middle. And
/// inside of what protects the records themselves (admission), and of whatever detaches the work from its
/// caller, if a call is to survive its caller.
pub struct IdempotencyLayer<C> {
    scheme: Arc<C>,
    shared: Arc<Shared>,
}

/// Which process this is among those that share records which outlive it.
pub struct Process {
    /// Different for each process and each start of it: see [`Claim`](super::Claim).
    pub owner: u64,
    /// The time since the Unix epoch.
    pub since_epoch: Box<dyn Fn() -> Duration + Send + Sync>,
}

impl<C> IdempotencyLayer<C> {
    /// For records that nobody else uses and that live no longer than this process. Time is tokio's clock.
    #[must_use]
    pub fn new(scheme: C, records: Arc<dyn IdempotencyRecords>, settings: IdempotencySettings) -> Self {
        let clock = Clock::default();
        let process = Process { owner: 0, since_epoch: Box::new(move || clock.now()) };
        Self::shared(scheme, records, settings, process, ())
    }

    /// For records that are shared or outlive the process. Tells `observer` of everything.
    #[must_use]
    pub fn shared(
        scheme: C,
        records: Arc<dyn IdempotencyRecords>,
        settings: IdempotencySettings,
        process: Process,
        observer: impl IdempotencyObserver + 'static,
    ) -> Self {
        let Process { owner, since_epoch } = process;
        let shared = Shared::new(settings, records, owner, since_epoch, Box::new(observer));
        Self { scheme: Arc::new(scheme), shared }
    }

    /// Reads state and changes settings at run time.
    #[must_use]
    pub fn handle(&self) -> IdempotencyHandle {
        IdempotencyHandle::new(Arc::clone(&self.shared))
    }
}

impl<C> Clone for IdempotencyLayer<C> {
    fn clone(&self) -> Self {
        Self { scheme: Arc::clone(&self.scheme), shared: Arc::clone(&self.shared) }
    }
}

impl<C> fmt::Debug for IdempotencyLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyLayer").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl fmt::Debug for Process {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Process").field("owner", &self.owner).finish_non_exhaustive()
    }
}

impl<S, C> Layer<S> for IdempotencyLayer<C> {
    type Service = Idempotency<S, C>;

    fn layer(&self, inner: S) -> Idempotency<S, C> {
        Idempotency::new(inner, Arc::clone(&self.scheme), Arc::clone(&self.shared))
    }
}
