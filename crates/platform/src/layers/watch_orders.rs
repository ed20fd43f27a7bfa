//! Watches orders from the outside: how many come, how long they take, how they end for who asked.
//!
//! The outermost layer of an order's way, so that it sees what every constraint inside refuses, and sees an
//! order as long as its client does. A client that leaves says nothing about us, unless its order was overdue.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::Response;
use http::StatusCode;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use crate::telemetry::{OrderEnd, Telemetry, Ticket};

/// Reports orders to the alerts' signals.
#[derive(Clone, Debug)]
pub(crate) struct WatchOrdersLayer {
    telemetry: Telemetry,
}

impl WatchOrdersLayer {
    /// Reports to this service's telemetry.
    pub(crate) fn new(telemetry: &Telemetry) -> Self {
        Self { telemetry: telemetry.clone() }
    }
}

impl<S> Layer<S> for WatchOrdersLayer {
    type Service = WatchOrders<S>;

    fn layer(&self, inner: S) -> WatchOrders<S> {
        WatchOrders { telemetry: self.telemetry.clone(), inner }
    }
}

/// A service whose orders are watched.
#[derive(Clone, Debug)]
pub(crate) struct WatchOrders<S> {
    telemetry: Telemetry,
    inner: S,
}

impl<S, R> Service<R> for WatchOrders<S>
where
    S: Service<R, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = WatchOrdersFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let ticket = self.telemetry.signals().order_comes();
        let watch = Watch { telemetry: self.telemetry.clone(), ticket, end: OrderEnd::Nothing };
        WatchOrdersFuture { call: self.inner.call(request), watch }
    }
}

pin_project! {
    /// An order that is watched: until it is answered, or its client leaves.
    pub(crate) struct WatchOrdersFuture<F> {
        #[pin]
        call: F,
        watch: Watch,
    }
}

#[derive(Debug)]
struct Watch {
    telemetry: Telemetry,
    ticket: Ticket,
    end: OrderEnd,
}

impl Drop for Watch {
    fn drop(&mut self) {
        self.telemetry.signals().order_goes(self.ticket, self.end);
    }
}

impl<F> Future for WatchOrdersFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Ok(response) = ready!(this.call.poll(cx));
        this.watch.end = end(response.status());
        Poll::Ready(Ok(response))
    }
}

fn end(status: StatusCode) -> OrderEnd {
    match status {
        StatusCode::PAYMENT_REQUIRED => OrderEnd::Good,
        StatusCode::TOO_MANY_REQUESTS => OrderEnd::Refused,
        status if status.is_success() => OrderEnd::Good,
        status if status.is_server_error() => OrderEnd::Bad,
        _ => OrderEnd::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mistake_of_the_client_is_not_ours() {
        let ends = [200, 202, 402, 429, 500, 503, 504, 400, 409, 422]
            .map(|code| end(StatusCode::from_u16(code).expect("a status")));
        let (good, bad, nothing) = (OrderEnd::Good, OrderEnd::Bad, OrderEnd::Nothing);
        let refused = OrderEnd::Refused;
        assert_eq!(ends, [good, good, good, refused, bad, bad, bad, nothing, nothing, nothing]);
    }
}
