//! The service: allots the time in `call`, and is always ready to.

use std::sync::Arc;
use std::task::{Context, Poll};

use tokio::time::Instant;
use tower::Service;

use super::deadline::{Carrier, Nowhere};
use super::error::TimeoutError;
use super::future::TimeoutFuture;
use super::policy::Allotment;
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
    K: Carrier<R>,
{
    type Response = S::Response;
    type Error = TimeoutError<S::Error>;
    type Future = TimeoutFuture<S, R>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// The time runs from the call, not from the first poll. A future that is polled too late begins nothing.
    fn call(&mut self, mut request: R) -> Self::Future {
        let (limits, waited) = self.shared.begin();
        let now = Instant::now();
        match limits.allot(now, self.carrier.deadline(&request)) {
            Allotment::Expired => TimeoutFuture::expired(now, waited),
            Allotment::Unlimited => TimeoutFuture::waiting(self.inner.clone(), request, now, None, waited),
            Allotment::Until(deadline) => {
                self.carrier.set_deadline(&mut request, deadline);
                TimeoutFuture::waiting(self.inner.clone(), request, now, Some(deadline), waited)
            }
        }
    }
}
