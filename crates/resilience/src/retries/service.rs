//! The service: begins the first attempt in `call`, and is always ready to.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::future::RetryFuture;
use super::hooks::Hooks;
use super::shared::Shared;
use crate::class::Classifier;
use crate::timeouts::{Carrier, Nowhere};

/// A service whose calls are tried again. Made by [`RetryLayer`](super::RetryLayer).
#[derive(Clone)]
pub struct Retry<S, C, K = Nowhere, H = ()> {
    pub(super) inner: S,
    pub(super) shared: Arc<Shared>,
    pub(super) classifier: C,
    pub(super) carrier: K,
    pub(super) hooks: H,
}

impl<S, R, C, K, H> Service<R> for Retry<S, C, K, H>
where
    S: Service<R> + Clone,
    R: Clone,
    C: Classifier<R, S::Response, S::Error> + Clone,
    K: Carrier<R> + Clone,
    H: Hooks<R, S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = RetryFuture<S, R, C, K, H>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// Earns its share of a retry, polled or not.
    fn call(&mut self, request: R) -> Self::Future {
        self.shared.begin();
        RetryFuture::begin(self, request)
    }
}

impl<S: fmt::Debug, C, K, H> fmt::Debug for Retry<S, C, K, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Retry");
        f.field("inner", &self.inner).field("shared", &self.shared).finish_non_exhaustive()
    }
}
