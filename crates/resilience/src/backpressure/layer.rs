//! The layer: where a worker pool enters a stack of services.

use std::sync::Arc;
use std::time::Duration;

use tower::Layer;

use super::policy::PoolLimits;
use super::service::WorkerPool;
use super::shared::{Shared, WorkerPoolHandle};
use crate::observer::Observer;

/// Puts one pool of workers with a bounded queue before services. All services made by this layer and
/// its clones share it.
///
/// It belongs directly around the work that it bounds (a call to a dependency), inside of whatever
/// decides whether the call is worth trying at all.
#[derive(Clone, Debug)]
pub struct WorkerPoolLayer {
    shared: Arc<Shared>,
}

impl WorkerPoolLayer {
    /// A pool that nobody watches. The refused are told to come back after `retry_after`.
    #[must_use]
    pub fn new(limits: PoolLimits, retry_after: Duration) -> Self {
        Self::observed(limits, retry_after, ())
    }

    /// A pool that tells `observer` of every change (running, waiting, refusals, waits).
    #[must_use]
    pub fn observed(limits: PoolLimits, retry_after: Duration, observer: impl Observer + 'static) -> Self {
        Self { shared: Shared::new(limits, retry_after, Box::new(observer)) }
    }

    /// Reads and changes the limits at run time.
    #[must_use]
    pub fn handle(&self) -> WorkerPoolHandle {
        WorkerPoolHandle::new(self.shared.clone())
    }
}

impl<S> Layer<S> for WorkerPoolLayer {
    type Service = WorkerPool<S>;

    fn layer(&self, inner: S) -> WorkerPool<S> {
        WorkerPool::new(inner, self.shared.clone())
    }
}
