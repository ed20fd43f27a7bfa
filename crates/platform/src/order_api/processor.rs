//! The way to order-processor: one call, with an end where the design has timeouts.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::Response;
use node::http::CallError;
use resilience::timeouts::{Deadline, HasDeadline, InRequest, Scope, TimeLimits, TimeoutError, TimeoutLayer};
use tower::layer::util::Stack;
use tower::util::{BoxCloneSyncService, MapErrLayer};
use tower::{Service, ServiceBuilder};

use crate::design::{Design, Timeouts};
use crate::telemetry::Telemetry;
use crate::web::RequestContext;
use crate::web::upstream::{Call, Upstream};

/// An order on its way to be paid.
#[derive(Clone, Debug)]
pub(super) struct ProcessCall {
    pub(super) context: RequestContext,
    pub(super) body: Bytes,
    /// When the client stops waiting.
    pub(super) deadline: Option<Deadline>,
}

impl HasDeadline for ProcessCall {
    fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = Some(deadline);
    }
}

/// No answer from order-processor.
#[derive(Debug)]
pub(super) enum NoAnswer {
    /// There was no time left to ask.
    Expired,
    /// It did not come in time.
    TimedOut,
    /// The call failed.
    Call(CallError),
}

/// The way to order-processor, whatever the design put on it.
pub(super) type WayToProcessor = BoxCloneSyncService<ProcessCall, Response<Bytes>, NoAnswer>;

/// Puts a design's constraints around the call.
pub(super) fn way_to_processor(design: &Design, telemetry: &Telemetry, upstream: Upstream) -> WayToProcessor {
    let timeouts = design.timeouts.as_ref().map(|section| request_timeout(section, telemetry));
    // Sent along is less than what is waited for: the processor's own answer is still in time then.
    let reserve = design.timeouts.as_ref().map_or(Duration::ZERO, |section| section.reserve.get());
    let client = ProcessorClient { upstream, reserve };
    BoxCloneSyncService::new(ServiceBuilder::new().option_layer(timeouts).service(client))
}

type IntoNoAnswer = MapErrLayer<fn(TimeoutError<NoAnswer>) -> NoAnswer>;

fn request_timeout(
    timeouts: &Timeouts,
    telemetry: &Telemetry,
) -> Stack<TimeoutLayer<InRequest>, IntoNoAnswer> {
    let reserve = timeouts.reserve.get();
    // The limit itself stands in the deadline that each order carries from its arrival on.
    let limits = TimeLimits { scope: Scope::Request, limit: None, reserve, least: Duration::ZERO };
    let into_no_answer: fn(_) -> _ = |error| match error {
        TimeoutError::Expired { .. } => NoAnswer::Expired,
        TimeoutError::TimedOut { .. } => NoAnswer::TimedOut,
        TimeoutError::Inner(error) => error,
    };
    let layer = TimeoutLayer::observed(limits, telemetry.clone()).carried_by(InRequest);
    Stack::new(layer, MapErrLayer::new(into_no_answer))
}

/// Makes the calls.
#[derive(Clone, Debug)]
struct ProcessorClient {
    upstream: Upstream,
    reserve: Duration,
}

impl Service<ProcessCall> for ProcessorClient {
    type Response = Response<Bytes>;
    type Error = NoAnswer;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Bytes>, NoAnswer>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), NoAnswer>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: ProcessCall) -> Self::Future {
        let Self { upstream, reserve } = self.clone();
        Box::pin(async move {
            let ProcessCall { context, body, deadline } = call;
            let told = deadline.map(|deadline| Deadline::at(deadline.instant() - reserve));
            let call = Call { deadline: told, ..Call::post("/process", body) };
            upstream.call(&context, call).await.map_err(NoAnswer::Call)
        })
    }
}
