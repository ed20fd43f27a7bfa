//! Refuses new work once the process is to stop.
//!
//! The outermost layer of a way of work: what is inside was accepted, and is finished. A call from another part of the
//! same process is of an order that was accepted already, so only what comes from outside is refused.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use http::Request;
use node::{Node, Stopping};
use tower::{Layer, Service};

use crate::telemetry::Telemetry;
use crate::web::upstream::FromWithin;
use crate::web::{Problem, ProblemKind};

/// What a refused client is told to wait: by then, whoever spreads the requests has seen that this process goes.
const RETRY_AFTER_S: u64 = 1;

/// Refuses what comes after the node was asked to stop.
#[derive(Clone, Debug)]
pub(crate) struct ClosingLayer {
    stopping: Stopping,
    telemetry: Telemetry,
}

impl ClosingLayer {
    /// When this node is asked to stop; what is refused is counted here.
    pub(crate) fn new(node: &Node, telemetry: &Telemetry) -> Self {
        Self { stopping: node.stopping().clone(), telemetry: telemetry.clone() }
    }
}

impl<S> Layer<S> for ClosingLayer {
    type Service = Closing<S>;

    fn layer(&self, inner: S) -> Closing<S> {
        Closing { layer: self.clone(), inner }
    }
}

/// A service that can be closed.
#[derive(Clone, Debug)]
pub(crate) struct Closing<S> {
    layer: ClosingLayer,
    inner: S,
}

impl<S> Service<Request<Body>> for Closing<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<S::Future, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let is_closed = self.layer.stopping.has_begun() && request.extensions().get::<FromWithin>().is_none();
        if !is_closed {
            return Either::Left(self.inner.call(request));
        }
        self.layer.telemetry.counters().shut_out();
        let problem = Problem::from(ProblemKind::ShuttingDown).retry_after_s(RETRY_AFTER_S);
        Either::Right(ready(Ok(problem.into_response())))
    }
}
