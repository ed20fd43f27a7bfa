//! The service: always ready, and decides in its future, because the records may have to be waited for.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::error::IdempotencyError;
use super::future::{IdempotencyFuture, drive};
use super::scheme::Scheme;
use super::shared::Shared;

/// A service whose calls run once per key. Made by [`IdempotencyLayer`](super::IdempotencyLayer).
pub struct Idempotency<S, C> {
    inner: S,
    scheme: Arc<C>,
    shared: Arc<Shared>,
}

impl<S, C> Idempotency<S, C> {
    pub(super) const fn new(inner: S, scheme: Arc<C>, shared: Arc<Shared>) -> Self {
        Self { inner, scheme, shared }
    }
}

impl<S: Clone, C> Clone for Idempotency<S, C> {
    fn clone(&self) -> Self {
        Self { inner: self.inner.clone(), scheme: Arc::clone(&self.scheme), shared: Arc::clone(&self.shared) }
    }
}

impl<S: fmt::Debug, C> fmt::Debug for Idempotency<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Idempotency");
        f.field("inner", &self.inner).field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl<S, C, R> Service<R> for Idempotency<S, C>
where
    S: Service<R> + Clone + Send + 'static,
    S::Future: Send,
    S::Response: Send,
    S::Error: Send,
    C: Scheme<R, Response = S::Response, Error = S::Error> + Send + Sync + 'static,
    R: Send + 'static,
{
    type Response = S::Response;
    type Error = IdempotencyError<S::Error>;
    type Future = IdempotencyFuture<S::Response, S::Error>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// Nothing happens before the first poll.
    fn call(&mut self, request: R) -> Self::Future {
        let (shared, scheme) = (Arc::clone(&self.shared), Arc::clone(&self.scheme));
        IdempotencyFuture::new(drive(shared, scheme, self.inner.clone(), request))
    }
}
