//! Counts the calls that are in work, exactly.
//!
//! The innermost layer, inside every constraint, so that it counts work and not attempts to get work
//! done: with a limit outside, its maximum is at most that limit.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use node::{Gauge, GaugeGuard};
use pin_project_lite::pin_project;
use tower::{Layer, Service};

/// Counts calls in a gauge.
#[derive(Clone, Debug)]
pub(crate) struct InFlightLayer {
    gauge: Gauge,
}

impl InFlightLayer {
    /// Counts in this gauge.
    pub(crate) const fn new(gauge: Gauge) -> Self {
        Self { gauge }
    }
}

impl<S> Layer<S> for InFlightLayer {
    type Service = InFlight<S>;

    fn layer(&self, inner: S) -> InFlight<S> {
        InFlight { gauge: self.gauge.clone(), inner }
    }
}

/// A service whose calls are counted.
#[derive(Clone, Debug)]
pub(crate) struct InFlight<S> {
    gauge: Gauge,
    inner: S,
}

impl<S, R> Service<R> for InFlight<S>
where
    S: Service<R>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = InFlightFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        InFlightFuture { guard: Some(self.gauge.enter()), call: self.inner.call(request) }
    }
}

pin_project! {
    /// A counted call: counted until it is done or dropped.
    pub(crate) struct InFlightFuture<F> {
        #[pin]
        call: F,
        guard: Option<GaugeGuard>,
    }
}

impl<F: Future> Future for InFlightFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let output = ready!(this.call.poll(cx));
        *this.guard = None;
        Poll::Ready(output)
    }
}
