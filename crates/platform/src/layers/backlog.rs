//! Refuses new orders while what was accepted is more than can be done in time.
//!
//! A door like admission, and before the body is read like that: a refusal costs no parsing. What is let in and not
//! accepted after all (it was no order, its id was taken, the store was away) does not count.

use std::convert::Infallible;
use std::future::{Ready, ready};
use std::task::{Context, Poll};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use futures_util::future::Either;
use http::{Request, StatusCode};
use tower::{Layer, Service};

use super::answered::{Answered, OnAnswer};
use crate::order_api::backlog::{BacklogBound, LetIn};
use crate::telemetry::Telemetry;
use crate::web::{Problem, ProblemKind};

/// Bounds what was accepted and not yet paid for.
#[derive(Clone, Debug)]
pub(crate) struct BacklogLayer {
    bound: BacklogBound,
    telemetry: Telemetry,
}

impl BacklogLayer {
    /// By this bound; what is refused is counted here.
    pub(crate) fn new(bound: BacklogBound, telemetry: &Telemetry) -> Self {
        Self { bound, telemetry: telemetry.clone() }
    }
}

impl<S> Layer<S> for BacklogLayer {
    type Service = Backlog<S>;

    fn layer(&self, inner: S) -> Backlog<S> {
        Backlog { layer: self.clone(), inner }
    }
}

/// A service whose backlog is bounded.
#[derive(Clone, Debug)]
pub(crate) struct Backlog<S> {
    layer: BacklogLayer,
    inner: S,
}

impl<S> Service<Request<Body>> for Backlog<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Either<Answered<S::Future, LetIn>, Ready<Result<Response, Infallible>>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        match self.layer.bound.let_in() {
            Ok(let_in) => Either::Left(Answered::new(self.inner.call(request), let_in)),
            Err(retry_after_s) => {
                self.layer.telemetry.counters().backlog_full();
                let problem = Problem::from(ProblemKind::BacklogFull).retry_after_s(retry_after_s);
                Either::Right(ready(Ok(problem.into_response())))
            }
        }
    }
}

/// An order that was let in counts once it is accepted.
impl OnAnswer for LetIn {
    fn answered(self, response: &mut Response) {
        if response.status() == StatusCode::ACCEPTED {
            self.keep();
        }
    }
}
