//! Detach: the work goes on when the client leaves.
//!
//! This is the naive baseline's task per order. hyper drops a request's future when its connection
//! closes; work inside a task of the node's own lives on. It stands *outside* admission and the worker
//! pool, so that their permits live with the work and not with the connection: a permit that a leaving
//! client gives back while its work goes on bounds nothing.
//!
//! Cancel safety: dropping the response future leaves the task running. A task that panics is answered
//! with a 500; a host that dies takes its tasks with it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Request;
use node::{Node, Task};
use tower::{Layer, Service};
use tracing::Instrument;

use crate::web::ProblemKind;

/// Puts each call into a task of its own.
#[derive(Clone, Debug)]
pub(crate) struct DetachLayer {
    node: Node,
}

impl DetachLayer {
    /// Tasks of this node.
    pub(crate) const fn new(node: Node) -> Self {
        Self { node }
    }
}

impl<S> Layer<S> for DetachLayer {
    type Service = Detach<S>;

    fn layer(&self, inner: S) -> Detach<S> {
        Detach { node: self.node.clone(), inner }
    }
}

/// A service whose calls outlive their callers.
#[derive(Clone, Debug)]
pub(crate) struct Detach<S> {
    node: Node,
    inner: S,
}

impl<S> Service<Request<Body>> for Detach<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = DetachedFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> DetachedFuture {
        // A process that is to stop waits for it.
        let unfinished = self.node.stopping().hold();
        let work = self.inner.call(request).in_current_span();
        let task = self.node.spawn(async move {
            let answer = work.await;
            drop(unfinished);
            answer
        });
        DetachedFuture { task }
    }
}

/// Waits for the task; dropping it leaves the task alone.
#[derive(Debug)]
pub(crate) struct DetachedFuture {
    task: Task<Result<Response, Infallible>>,
}

impl Future for DetachedFuture {
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(Pin::new(&mut self.task).poll(cx)) {
            Ok(Ok(response)) => Poll::Ready(Ok(response)),
            Err(stopped) => {
                tracing::error!(error = %stopped, "the work on a request ended without an answer");
                Poll::Ready(Ok(crate::web::Problem::from(ProblemKind::Internal).into_response()))
            }
        }
    }
}
