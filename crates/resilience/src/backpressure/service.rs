//! The service: takes a worker or a place in the queue in `call`, and is always ready to.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower::{Service, ServiceExt};

use super::error::BackpressureError;
use super::future::WorkerPoolFuture;
use super::shared::{Entry, Shared};

/// A service behind a worker pool. Made by [`WorkerPoolLayer`](super::WorkerPoolLayer).
#[derive(Clone, Debug)]
pub struct WorkerPool<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> WorkerPool<S> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, R> Service<R> for WorkerPool<S>
where
    S: Service<R> + Clone,
{
    type Response = S::Response;
    type Error = BackpressureError<S::Error>;
    type Future = WorkerPoolFuture<S, R>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// The place in line is that of the call, not of the first poll. A future that nobody polls keeps its
    /// place and then its worker: drop what is not wanted.
    fn call(&mut self, request: R) -> Self::Future {
        match self.shared.enter() {
            Entry::Run(worker) => WorkerPoolFuture::running(self.inner.clone().oneshot(request), worker),
            Entry::Wait(waiter) => WorkerPoolFuture::waiting(waiter, self.inner.clone(), request),
            Entry::Refuse(refusal) => WorkerPoolFuture::refused(refusal),
        }
    }
}
