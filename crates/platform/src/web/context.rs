//! A request's identity: its id and its place in a trace, on every hop, in every log line and answer.
//!
//! The outermost layer of every service. It takes `X-Request-Id` and `traceparent` from the request or
//! makes them, hands them inwards as an extension, and writes the body of a [`Problem`], because here the path and
//! the id are known. The span that every log line carries is opened further in, where work begins
//! ([`super::log_span`]): a refusal says nothing, and a span costs more than refusing.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::Response;
use domain::event::Envelope;
use domain::{OrderId, Priority};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, StatusCode, Uri};
use node::Node;
use pin_project_lite::pin_project;
use tokio::time::Instant;
use tower::{Layer, Service};
use tracing::Span;

use super::ids::Ids;
use super::priority::{self, X_PRIORITY};
use super::problem::{Problem, ProblemKind};
use super::recording::{self, Attempts, Recording, SpanGuard, name};
use super::trace::{TRACEPARENT, TraceContext};
use crate::ids::now_us;
use crate::telemetry::{RouteIndex, Telemetry};

/// The header that carries a request's id.
pub(crate) const X_REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The longest request id that is taken over from a client.
const REQUEST_ID_LENGTH_MAX: usize = 128;

/// A request's identity. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct RequestContext {
    request_id: HeaderValue,
    trace: TraceContext,
    /// How much it matters, once its order was read.
    priority: Priority,
    ids: Ids,
    /// What is done for it, as spans; `None` when they are not recorded.
    recording: Option<Recording>,
    /// When it came in: what the caller said of its patience is reckoned from here, queues included.
    arrived: Instant,
}

impl RequestContext {
    /// The context of work that no request asked for.
    pub(crate) fn of_own_accord(ids: &Ids) -> Self {
        Self::of(&HeaderMap::new(), ids)
    }

    /// The context of an event: the work on the request that it goes back to goes on.
    pub(crate) fn of_event(ids: &Ids, envelope: &Envelope) -> Self {
        let value = |text: &Option<String>| HeaderValue::try_from(text.as_deref()?).ok();
        let request_id = value(&envelope.request_id).map(|value| (X_REQUEST_ID, value));
        let trace = value(&envelope.traceparent).map(|value| (HeaderName::from_static(TRACEPARENT), value));
        Self::of(&request_id.into_iter().chain(trace).collect(), ids)
    }

    /// The request's id and its trace for what is told of it in an event; what comes of that happens within the present
    /// span.
    pub(crate) fn carried(&self) -> (String, String) {
        let within = self.recording.as_ref().map(Recording::present).filter(|span_id| *span_id != 0);
        let parent_id = within.unwrap_or(self.trace.parent_id);
        let trace = TraceContext { parent_id, ..self.trace }.header();
        let trace = trace.to_str().expect("hex digits and dashes are visible ASCII");
        (self.request_id().to_owned(), trace.to_owned())
    }

    /// The span whose fields stand in every log line about an event.
    pub(crate) fn event_span(&self, topic: &str, event: &str) -> Span {
        tracing::info_span!(
            "event",
            request_id = self.request_id(),
            trace_id = format_args!("{:032x}", self.trace.trace_id),
            topic,
            event,
        )
    }

    fn of(headers: &HeaderMap, ids: &Ids) -> Self {
        let request_id = headers.get(&X_REQUEST_ID).filter(|id| is_request_id(id)).cloned();
        let request_id = request_id.unwrap_or_else(|| ids.request_id());
        let caller = headers.get(TRACEPARENT).and_then(|header| TraceContext::parse(header.as_bytes()));
        let trace = caller.unwrap_or_else(|| ids.trace());
        let recording = ids.recorder();
        let recording = recording.and_then(|recorder| Recording::begin(recorder, trace.trace_id));
        let recording = recording.map(|recording| recording.within(trace.parent_id));
        let (priority, arrived) = (Priority::default(), ids.node().now());
        Self { request_id, trace, priority, ids: ids.clone(), recording, arrived }
    }

    /// The span whose fields stand in every log line.
    pub(crate) fn log_span(&self, method: &Method, path: &str) -> Span {
        tracing::info_span!(
            "request",
            request_id = self.request_id(),
            trace_id = format_args!("{:032x}", self.trace.trace_id),
            %method,
            path,
        )
    }

    /// The order that the request is about, once that is known.
    pub(crate) fn about(&self, order_id: &OrderId) {
        if let Some(recording) = &self.recording {
            recording.about(order_id);
        }
    }

    /// Something that is done for the request begins; empty when spans are not recorded.
    pub(crate) fn span(&self, name: &'static str) -> SpanGuard {
        SpanGuard::begin(self.recording.as_ref(), name)
    }

    /// The next attempt at the payment begins.
    pub(crate) fn attempt(&self) -> (SpanGuard, Option<Attempts>) {
        match &self.recording {
            Some(recording) => {
                let (span, attempts) = recording.attempt();
                (span, Some(attempts))
            }
            None => (SpanGuard::default(), None),
        }
    }

    /// The same request, within a span of it.
    pub(crate) fn within(&self, span: &SpanGuard) -> Self {
        Self { recording: span.inside(), ..self.clone() }
    }

    /// The wait that ends now and began when the request came in; nothing when there was none.
    pub(crate) fn waited(request: &Request<Body>, name: &'static str) {
        let context =
            request.extensions().get::<Self>().expect("every route stands behind the context layer");
        let Some(recording) = &context.recording else { return };
        let waited = context.ids.node().now().saturating_duration_since(context.arrived);
        if !waited.is_zero() {
            let now_us = now_us(context.ids.node());
            let since_us = now_us.saturating_sub(u64::try_from(waited.as_micros()).unwrap_or(now_us));
            SpanGuard::begin(Some(recording), name).since(since_us).end("served");
        }
    }

    /// The context that the outermost layer has put into a request.
    pub(crate) fn in_request(request: &Request<Body>) -> Self {
        request.extensions().get::<Self>().expect("every route stands behind the context layer").clone()
    }

    /// When it came in.
    pub(crate) const fn arrived(&self) -> Instant {
        self.arrived
    }

    /// The request's id.
    pub(crate) fn request_id(&self) -> &str {
        self.request_id.to_str().expect("a request id is visible ASCII")
    }

    /// The same request, of which is known now how much it matters.
    pub(crate) fn with_priority(self, priority: Priority) -> Self {
        Self { priority, ..self }
    }

    /// Identifies a call to the next hop: the same request, as important, the same trace, and a span of its
    /// own, which begins.
    pub(crate) fn identify(&self, method: &Method, path: &str, headers: &mut HeaderMap) -> SpanGuard {
        let call = TraceContext { parent_id: self.ids.span_id(), ..self.trace };
        headers.insert(X_REQUEST_ID, self.request_id.clone());
        headers.insert(TRACEPARENT, call.header());
        if let Some(value) = priority::header(self.priority) {
            headers.insert(X_PRIORITY, value);
        }
        let recording = self.recording.as_ref();
        SpanGuard::with_id(recording.map(|recording| (recording, call.parent_id)), || {
            name(method, path, "call ")
        })
    }

    /// The request itself becomes a span, if it is about an order: probes and scrapes are not. What is done for it
    /// happens within.
    fn begin_serving(&mut self, request: &Request<Body>) -> SpanGuard {
        let Some(recording) = self.recording.take() else { return SpanGuard::default() };
        if request.method() != Method::POST && !request.headers().contains_key(TRACEPARENT) {
            return SpanGuard::default();
        }
        let span = SpanGuard::begin(Some(&recording), name(request.method(), request.uri().path(), ""));
        self.recording = span.inside();
        span.telling_the_order()
    }
}

fn is_request_id(value: &HeaderValue) -> bool {
    (1..=REQUEST_ID_LENGTH_MAX).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
}

/// Gives every request its identity.
#[derive(Clone, Debug)]
pub(crate) struct ContextLayer {
    ids: Ids,
}

impl ContextLayer {
    /// Ids from a random stream of this node's, one for each part of the process.
    pub(crate) fn new(node: &Node, part: &str) -> Self {
        Self { ids: Ids::new(node, part) }
    }

    /// The same, and what is done for requests is recorded in this service's journal while that is on.
    pub(crate) fn recorded(node: &Node, telemetry: &Telemetry) -> Self {
        let name = format!("request-ids/{}", telemetry.kind().name());
        Self { ids: Ids::recorded_by(node, &name, Some(telemetry)) }
    }
}

impl<S> Layer<S> for ContextLayer {
    type Service = WithContext<S>;

    fn layer(&self, inner: S) -> WithContext<S> {
        WithContext { ids: self.ids.clone(), inner }
    }
}

/// A service whose requests have an identity.
#[derive(Clone, Debug)]
pub(crate) struct WithContext<S> {
    ids: Ids,
    inner: S,
}

impl<S> Service<Request<Body>> for WithContext<S>
where
    S: Service<Request<Body>, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = ContextFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<Body>) -> Self::Future {
        let mut context = RequestContext::of(request.headers(), &self.ids);
        let served = context.begin_serving(&request);
        let uri = request.uri().clone();
        let request_id = context.request_id.clone();
        let counted = self.ids.recorder().map(|recorder| {
            let matched = request.extensions().get::<MatchedPath>().map(MatchedPath::as_str);
            Counted {
                route: recorder.telemetry().route(request.method().as_str(), matched),
                since: context.arrived,
                ids: self.ids.clone(),
            }
        });
        request.extensions_mut().insert(context);
        ContextFuture { call: self.inner.call(request), uri, request_id, served, counted }
    }
}

pin_project! {
    /// A call that has an identity.
    pub(crate) struct ContextFuture<F> {
        #[pin]
        call: F,
        uri: Uri,
        request_id: HeaderValue,
        served: SpanGuard,
        counted: Option<Counted>,
    }
}

/// A request that is counted and timed when it is answered, whatever answers it: inside a constraint, what it refuses
/// would be missed.
#[derive(Debug)]
struct Counted {
    ids: Ids,
    route: RouteIndex,
    since: Instant,
}

impl Counted {
    fn answered(&self, status: StatusCode) {
        let Some(recorder) = self.ids.recorder() else { return };
        let took = self.ids.node().now().saturating_duration_since(self.since);
        recorder.telemetry().answered(self.route, status, took);
    }
}

impl<F> Future for ContextFuture<F>
where
    F: Future<Output = Result<Response, Infallible>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.call.poll(cx));
        if let Some(counted) = this.counted {
            counted.answered(response.status());
        }
        let problem = response.extensions_mut().remove::<Problem>();
        if this.served.is_recorded() {
            recording::end_serving(this.served, response.status(), problem.as_ref());
        }
        let request_id = this.request_id.to_str().expect("a request id is visible ASCII");
        if let Some(problem) = problem {
            if problem.kind() == ProblemKind::Internal {
                tracing::error!(
                    request_id,
                    path = this.uri.path(),
                    "the request ended without an answer of its own"
                );
            }
            problem.write(&mut response, this.uri.path(), request_id);
        }
        // The access log: off unless it is asked for, because it would cost more than most answers.
        tracing::debug!(request_id, path = this.uri.path(), status = response.status().as_u16(), "answered");
        response.headers_mut().insert(X_REQUEST_ID, this.request_id.clone());
        Poll::Ready(Ok(response))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_short_visible_ids_are_taken_over() {
        let is_one = |text: &str| is_request_id(&HeaderValue::from_bytes(text.as_bytes()).expect("a header"));
        assert!(is_one("req-1") && is_one(&"x".repeat(128)));
        assert!(!is_one("") && !is_one("two words") && !is_one("ä") && !is_one(&"x".repeat(129)));
    }
}
