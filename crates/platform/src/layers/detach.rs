//! Detach: the work goes on when the client leaves.
//!
//! This is the naive baseline's task per order. hyper drops a request's future when its connection
//! closes; work inside a task of the node's own lives on. It stands *outside* admission and the worker
//! pool, so that their permits live with the work and not with the connection: a permit that a leaving
//! client gives back while its work goes on bounds nothing.
//!
//! A task of its own would cost more than all the rest of a refusal. Where the door decides in the call, before
//! anything is waited for, the two halves here share the work: [`DetachLayer`] asks once whether the answer is there
//! already (a refusal is), and [`ThresholdLayer`], inside the door, has whatever was let in wait for that once, so
//! that not a step of it is done outside of its task.
//!
//! ```text
//! detach ── asks once ──▶ door ── refused ──▶ answered on the spot
//!    │                      └──── let in ───▶ threshold: "not here"
//!    └── a task ──────────────────────────────▶ threshold ──▶ the work
//! ```
//!
//! Cancel safety: dropping the response future leaves the task running, and a process that is to stop waits for it.
//! A task that panics is answered with a 500; a host that dies takes its tasks with it.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::Request;
use node::{Node, Task};
use pin_project_lite::pin_project;
use tower::{Layer, Service};
use tracing::Instrument as _;
use tracing::instrument::Instrumented;

use crate::web::ProblemKind;
use crate::web::log_span::log_span;

/// Puts each call into a task of its own.
#[derive(Clone, Debug)]
pub(crate) struct DetachLayer {
    node: Node,
    asks_once: bool,
}

impl DetachLayer {
    /// Tasks of this node.
    pub(crate) const fn new(node: Node) -> Self {
        Self { node, asks_once: false }
    }

    /// What the door has refused in the call needs no task. Only around a [`ThresholdLayer`] that waits for it,
    /// with nothing that waits in between.
    pub(crate) const fn asking_once(mut self, asks_once: bool) -> Self {
        self.asks_once = asks_once;
        self
    }
}

impl<S> Layer<S> for DetachLayer {
    type Service = Detach<S>;

    fn layer(&self, inner: S) -> Detach<S> {
        Detach { layer: self.clone(), inner }
    }
}

/// A service whose calls outlive their callers.
#[derive(Clone, Debug)]
pub(crate) struct Detach<S> {
    layer: DetachLayer,
    inner: S,
}

impl<S> Service<Request<Body>> for Detach<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
    S::Future: Send + 'static,
{
    type Response = Response;
    type Error = Infallible;
    type Future = DetachedFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let DetachLayer { node, asks_once } = &self.layer;
        let work = self.inner.call(request);
        if *asks_once {
            DetachedFuture::Asking { work: Some(Box::pin(work)), node: node.clone() }
        } else {
            DetachedFuture::Detached { task: detach(node, work) }
        }
    }
}

fn detach<F>(node: &Node, work: F) -> Task<Result<Response, Infallible>>
where
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    // A process that is to stop waits for it.
    let unfinished = node.stopping().hold();
    node.spawn(async move {
        let answer = work.await;
        drop(unfinished);
        answer
    })
}

/// Waits for the task; dropping it leaves the task alone.
#[derive(Debug)]
pub(crate) enum DetachedFuture<F> {
    /// Nobody has asked yet whether there is an answer without a task.
    Asking {
        /// The whole of it; `None` once it is a task.
        work: Option<Pin<Box<F>>>,
        /// Where its task would run.
        node: Node,
    },
    /// It is a task.
    Detached {
        /// This one.
        task: Task<Result<Response, Infallible>>,
    },
}

impl<F> Future for DetachedFuture<F>
where
    F: Future<Output = Result<Response, Infallible>> + Send + 'static,
{
    type Output = Result<Response, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        if let Self::Asking { work, node } = &mut *self {
            let mut work = work.take().expect("it is asked once");
            if let Poll::Ready(answer) = work.as_mut().poll(cx) {
                return Poll::Ready(answer);
            }
            let task = detach(node, work);
            *self = Self::Detached { task };
        }
        let Self::Detached { task } = &mut *self else { unreachable!("it was made a task above") };
        match ready!(Pin::new(task).poll(cx)) {
            Ok(Ok(response)) => Poll::Ready(Ok(response)),
            Err(_stopped) => {
                Poll::Ready(Ok(crate::web::Problem::from(ProblemKind::Internal).into_response()))
            }
        }
    }
}

/// Inside the door: here the work begins, and its log lines say from here on of which request they are.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThresholdLayer {
    waits: bool,
}

impl ThresholdLayer {
    /// One that waits is only right within a [`DetachLayer`] that asks once.
    pub(crate) const fn waiting(waits: bool) -> Self {
        Self { waits }
    }
}

impl<S> Layer<S> for ThresholdLayer {
    type Service = Threshold<S>;

    fn layer(&self, inner: S) -> Threshold<S> {
        Threshold { waits: self.waits, inner }
    }
}

/// A service at which work begins.
#[derive(Clone, Debug)]
pub(crate) struct Threshold<S> {
    waits: bool,
    inner: S,
}

impl<S> Service<Request<Body>> for Threshold<S>
where
    S: Service<Request<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ThresholdFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let span = log_span(&request);
        let work = span.in_scope(|| self.inner.call(request));
        ThresholdFuture { waits: self.waits, work: work.instrument(span) }
    }
}

pin_project! {
    /// Work that was let in.
    pub(crate) struct ThresholdFuture<F> {
        waits: bool,
        #[pin]
        work: Instrumented<F>,
    }
}

impl<F: Future> Future for ThresholdFuture<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        if std::mem::take(this.waits) {
            // Nobody has to be woken: whoever asks makes a task of it at once, which asks again.
            return Poll::Pending;
        }
        this.work.poll(cx)
    }
}
