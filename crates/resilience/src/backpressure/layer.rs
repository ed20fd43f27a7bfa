//! The layer: where a worker pool enters a stack of services.

use std::sync::Arc;
use std::time::Duration;

use tower::Layer;

use super::handle::WorkerPoolHandle;
use super::policy::PoolLimits;
use super::service::WorkerPool;
use super::shared::Shared;
use super::strategy::{PoolConfig, Strategy};
use super::terms::{CallTerms, NoTerms};
use crate::observer::Observer;

/// Puts one pool of workers with a queue before services. All services made by this layer and its clones
/// share it.
///
/// It belongs directly around the work that it bounds (a call to a dependency), inside of whatever
/// decides whether the call is worth trying at all.
#[derive(Clone, Debug)]
pub struct WorkerPoolLayer<C = NoTerms> {
    shared: Arc<Shared>,
    terms: C,
}

impl WorkerPoolLayer {
    /// A pool with a bounded first-come queue that nobody watches. The refused are told to come back after
    /// `retry_after`.
    #[must_use]
    pub fn new(limits: PoolLimits, retry_after: Duration) -> Self {
        Self::observed(limits, retry_after, ())
    }

    /// The same, and it tells `observer` of every change (running, waiting, refusals, waits).
    #[must_use]
    pub fn observed(limits: PoolLimits, retry_after: Duration, observer: impl Observer + 'static) -> Self {
        Self::configured(PoolConfig::new(limits, retry_after), observer)
    }

    /// A pool of `workers` with one of the five strategies.
    #[must_use]
    pub fn with_strategy(
        workers: usize,
        strategy: Strategy,
        retry_after: Duration,
        observer: impl Observer + 'static,
    ) -> Self {
        Self::configured(strategy.config(workers, retry_after), observer)
    }

    /// Any pool there can be.
    #[must_use]
    pub fn configured(config: PoolConfig, observer: impl Observer + 'static) -> Self {
        Self { shared: Shared::new(config, observer), terms: NoTerms }
    }
}

impl<C> WorkerPoolLayer<C> {
    /// The same pool, with each call's deadline and priority taken from its request by `terms`.
    #[must_use]
    pub fn classified<R, F: Fn(&R) -> CallTerms>(self, terms: F) -> WorkerPoolLayer<F> {
        WorkerPoolLayer { shared: self.shared, terms }
    }

    /// Reads and changes the limits at run time.
    #[must_use]
    pub fn handle(&self) -> WorkerPoolHandle {
        WorkerPoolHandle::new(self.shared.clone())
    }
}

impl<S, C: Clone> Layer<S> for WorkerPoolLayer<C> {
    type Service = WorkerPool<S, C>;

    fn layer(&self, inner: S) -> WorkerPool<S, C> {
        WorkerPool::new(inner, self.shared.clone(), self.terms.clone())
    }
}
