//! The service: takes a worker or a place in the queue in `call`, and is always ready to.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::error::BackpressureError;
use super::future::WorkerPoolFuture;
use super::shared::{Entry, Shared};
use super::terms::{NoTerms, TermsOf};

/// A service behind a worker pool. Made by [`WorkerPoolLayer`](super::WorkerPoolLayer).
#[derive(Clone, Debug)]
pub struct WorkerPool<S, C = NoTerms> {
    inner: S,
    shared: Arc<Shared>,
    terms: C,
}

impl<S, C> WorkerPool<S, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>, terms: C) -> Self {
        Self { inner, shared, terms }
    }
}

impl<S, R, C> Service<R> for WorkerPool<S, C>
where
    S: Service<R> + Clone,
    C: TermsOf<R>,
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
        let terms = self.shared.terms(self.terms.terms(&request));
        match self.shared.enter(terms) {
            Entry::Run(worker) => WorkerPoolFuture::running(worker, &mut self.inner, request),
            Entry::Wait(line) => WorkerPoolFuture::in_line(line, self.inner.clone(), request),
            Entry::Refuse(refusal) => WorkerPoolFuture::refused(refusal),
        }
    }
}
