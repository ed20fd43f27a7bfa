//! The span whose fields stand in every log line of a request.
//!
//! It is opened where work begins and not where a request comes in ([`super::context`]): a refusal says nothing, and a
//! span costs more than refusing. No header stands in it but the request's id, and no body: keys, tokens and cookies
//! cannot get into a log line that nobody writes them into.

use std::task::{Context, Poll};

use axum::body::Body;
use http::Request;
use tower::{Layer, Service};
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Span};

use super::context::RequestContext;

/// Opens the span whose fields stand in every log line of a request.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LogSpanLayer;

impl<S> Layer<S> for LogSpanLayer {
    type Service = WithLogSpan<S>;

    fn layer(&self, inner: S) -> WithLogSpan<S> {
        WithLogSpan { inner }
    }
}

/// A service whose log lines say of which request they are.
#[derive(Clone, Debug)]
pub(crate) struct WithLogSpan<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for WithLogSpan<S>
where
    S: Service<Request<Body>>,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = Instrumented<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let span = log_span(&request);
        let call = span.in_scope(|| self.inner.call(request));
        call.instrument(span)
    }
}

/// The span of a request's log lines.
pub(crate) fn log_span(request: &Request<Body>) -> Span {
    let context = request.extensions().get::<RequestContext>();
    let context = context.expect("every route stands behind the context layer");
    context.log_span(request.method(), request.uri().path())
}
