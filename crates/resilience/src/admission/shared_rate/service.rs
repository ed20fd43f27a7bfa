//! The service: asks before it calls.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::shared::{Pass, Shared};
use crate::admission::error::AdmissionError;
use crate::held::{Held, Hold};
use crate::refusal::Refusal;

/// A service behind a shared rate. Made by [`SharedRateLayer`](super::SharedRateLayer).
#[derive(Clone, Debug)]
pub struct SharedRateService<S> {
    inner: S,
    shared: Arc<Shared>,
}

impl<S> SharedRateService<S> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>) -> Self {
        Self { inner, shared }
    }
}

/// The response of a [`SharedRateService`]. Dropping it while it asks leaves the token to nobody.
pub type SharedRateFuture<S, R> = Held<S, R, Pass, AdmissionError<<S as Service<R>>::Error>>;

/// A call whose token is asked for.
pub struct Asking(Pin<Box<dyn Future<Output = Result<Pass, Refusal>> + Send>>);

impl fmt::Debug for Asking {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Asking").finish_non_exhaustive()
    }
}

impl<T, E> Hold<T, E> for Pass {
    type Line = Asking;

    fn poll_turn(line: &mut Asking, cx: &mut Context<'_>) -> Poll<Result<Self, Refusal>> {
        line.0.as_mut().poll(cx)
    }
}

impl<S, R> Service<R> for SharedRateService<S>
where
    S: Service<R> + Clone,
{
    type Response = S::Response;
    type Error = AdmissionError<S::Error>;
    type Future = SharedRateFuture<S, R>;

    /// Always ready: see the crate's documentation for why.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        let asking = Asking(Box::pin(Arc::clone(&self.shared).decide()));
        Held::in_line(asking, self.inner.clone(), request)
    }
}
