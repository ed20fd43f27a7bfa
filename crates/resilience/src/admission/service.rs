//! The service: decides in `call`, and is always ready to.

use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::error::AdmissionError;
use super::future::AdmissionFuture;
use super::shared::Shared;

/// A service behind admission control. Made by [`AdmissionLayer`](super::AdmissionLayer).
#[derive(Clone, Debug)]
pub struct Admission<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> Admission<S> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

impl<S, R> Service<R> for Admission<S>
where
    S: Service<R> + Clone,
{
    type Response = S::Response;
    type Error = AdmissionError<S::Error>;
    type Future = AdmissionFuture<S, R>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// The decision falls here, not at the first poll, and the inner service is called here if it is ready. The
    /// permit is held until the future is done or dropped.
    fn call(&mut self, request: R) -> Self::Future {
        AdmissionFuture::new(self.shared.admit(), &mut self.inner, request)
    }
}
