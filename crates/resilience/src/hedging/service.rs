//! The service: begins the first attempt in `call`, and is always ready to.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::future::{HedgeFuture, Spare};
use super::shared::Shared;
use crate::call::Call;
use crate::class::Classifier;

/// A service whose late calls are made twice. Made by [`HedgeLayer`](super::HedgeLayer).
#[derive(Clone)]
pub struct Hedge<S, I, C> {
    inner: S,
    shared: Arc<Shared>,
    is_idempotent: I,
    classifier: C,
}

impl<S, I, C> Hedge<S, I, C> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>, is_idempotent: I, classifier: C) -> Self {
        Self { inner, shared, is_idempotent, classifier }
    }
}

impl<S, R, I, C> Service<R> for Hedge<S, I, C>
where
    S: Service<R> + Clone,
    R: Clone,
    I: Fn(&R) -> bool,
    C: Classifier<R, S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = HedgeFuture<S, R, C>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// The time until a call is late runs from here.
    fn call(&mut self, request: R) -> Self::Future {
        if !(self.is_idempotent)(&request) {
            return HedgeFuture::new(Call::begin(&mut self.inner, request), None);
        }
        let delay = self.shared.begin();
        let spare = Spare {
            service: self.inner.clone(),
            request: request.clone(),
            classifier: self.classifier.clone(),
            shared: Arc::clone(&self.shared),
            delay,
        };
        HedgeFuture::new(Call::begin(&mut self.inner, request), Some(spare))
    }
}

impl<S: fmt::Debug, I, C> fmt::Debug for Hedge<S, I, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("Hedge");
        f.field("inner", &self.inner).field("shared", &self.shared).finish_non_exhaustive()
    }
}
