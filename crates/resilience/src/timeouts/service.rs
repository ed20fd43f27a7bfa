//! The service: always ready, and allots the time in its future.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::deadline::{Carrier, Nowhere};
use super::error::TimeoutError;
use super::future::TimeoutFuture;
use super::shared::Shared;

/// A service whose calls have an end. Made by [`TimeoutLayer`](super::TimeoutLayer).
#[derive(Clone, Debug)]
pub struct Timeout<S, K = Nowhere> {
    inner: S,
    shared: Arc<Shared>,
    carrier: K,
}

impl<S, K> Timeout<S, K> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>, carrier: K) -> Self {
        Self { inner, shared, carrier }
    }
}

impl<S, R, K> Service<R> for Timeout<S, K>
where
    S: Service<R> + Clone,
    K: Carrier<R> + Clone,
{
    type Response = S::Response;
    type Error = TimeoutError<S::Error>;
    type Future = TimeoutFuture<S, R, K>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// Limits and time are those of the first poll, because that is when something is begun: a future that lies
    /// about takes nothing off its time, and one that is polled after the deadline that its request carries begins
    /// nothing.
    fn call(&mut self, request: R) -> Self::Future {
        TimeoutFuture::new(self.inner.clone(), request, self.carrier.clone(), self.shared.begin())
    }
}
