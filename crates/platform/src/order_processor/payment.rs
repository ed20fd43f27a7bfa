//! One call to payment, and what its answer means.
//!
//! The innermost service of order-processor's way to payment; everything around it is in
//! [`super::constraints`]. What is told apart here is what retries and settlement live on: whether money
//! surely did not move, or whether nobody knows.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use domain::{ChargeAnswer, ChargeRequest, OrderId, ProcessOrder, ProcessOutcome};
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use node::Node;
use node::http::{CallError, Fate};
use resilience::timeouts::{Deadline, HasDeadline};
use resilience::{Effect, Refusal};
use tower::Service;

use crate::telemetry::{AttemptOutcome, Telemetry};
use crate::web::problem::Received;
use crate::web::recording::SpanGuard;
use crate::web::upstream::{Call, Upstream, json};
use crate::web::{Problem, ProblemKind, RequestContext, key};

/// What a refused caller is told to wait when payment did not say.
const RETRY_AFTER_S: u64 = 1;

/// An order's payment, to be tried once or more often.
#[derive(Clone, Debug)]
pub(super) struct PaymentCall {
    context: RequestContext,
    pub(super) order_id: OrderId,
    body: Bytes,
    key: Option<HeaderValue>,
    deadline: Option<Deadline>,
}

impl PaymentCall {
    /// With a key (the order's id: one charge per order) it may be repeated whatever became of it.
    pub(super) fn new(
        context: &RequestContext,
        order: &ProcessOrder,
        has_key: bool,
        deadline: Option<Deadline>,
    ) -> Self {
        Self {
            context: context.clone(),
            order_id: order.order_id.clone(),
            body: json(&ChargeRequest::from(order)),
            key: has_key.then(|| key::header(order.order_id.as_str())),
            deadline,
        }
    }

    /// For whom it is.
    pub(super) const fn context(&self) -> &RequestContext {
        &self.context
    }

    /// The same within a span of its request.
    pub(super) fn within(self, span: &SpanGuard) -> Self {
        if span.is_recorded() { Self { context: self.context.within(span), ..self } } else { self }
    }

    /// Whether a repetition cannot charge twice.
    pub(super) const fn is_repeatable(&self) -> bool {
        self.key.is_some()
    }
}

impl HasDeadline for PaymentCall {
    fn deadline(&self) -> Option<Deadline> {
        self.deadline
    }

    fn set_deadline(&mut self, deadline: Deadline) {
        self.deadline = Some(deadline);
    }
}

/// A payment that came to its end.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Payment {
    pub(super) outcome: ProcessOutcome,
    pub(super) attempts: u32,
}

/// A payment that did not, as far as anyone here knows.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Unpaid {
    /// Payment says that it failed for a passing reason.
    Failed { retry_after: Option<Duration> },
    /// Payment had no slot for it before its time was over.
    NotStarted,
    /// Payment will not have it: asking again would get the same.
    Rejected(StatusCode),
    /// The key was voided: this order is settled already.
    Voided,
    /// Payment cannot be reached; the call never left.
    Unreachable,
    /// There was no time left to begin an attempt.
    Expired,
    /// The breaker did not let it through.
    BreakerOpen(Refusal),
    /// So many attempts failed, and that is the cap.
    Exhausted { attempts: u32 },
    /// An attempt with this key runs, and its result could not be waited for.
    InProgress,
    /// The answer did not come in time.
    TimedOut,
    /// The connection broke, or the answer made no sense.
    Broken,
    /// What the last attempt had no effect, but an earlier one may have had.
    Unknown,
}

impl Unpaid {
    /// Whether money may have moved all the same.
    pub(super) const fn effect(&self) -> Effect {
        match self {
            Self::InProgress | Self::TimedOut | Self::Broken | Self::Unknown => Effect::Unknown,
            _ => Effect::None,
        }
    }

    /// What the caller is told.
    pub(super) fn into_problem(self) -> Problem {
        let after_s = |after: Option<Duration>| {
            after.map_or(RETRY_AFTER_S, |after| after.as_secs_f64().ceil() as u64).max(RETRY_AFTER_S)
        };
        match self {
            Self::Failed { retry_after } => {
                Problem::from(ProblemKind::PaymentFailed).retry_after_s(after_s(retry_after))
            }
            Self::Unreachable => Problem::from(ProblemKind::PaymentUnreachable).retry_after_s(RETRY_AFTER_S),
            Self::BreakerOpen(refusal) => {
                Problem::from(ProblemKind::BreakerOpen).retry_after_s(refusal.retry_after_s())
            }
            Self::NotStarted | Self::Expired => ProblemKind::DeadlineExceeded.into(),
            Self::Voided => ProblemKind::ChargeVoided.into(),
            Self::Rejected(status) => {
                Problem::new(ProblemKind::PaymentRejected, format!("payment answered {status}"))
            }
            Self::Exhausted { attempts } => {
                let detail = format!("{attempts} attempts at the payment failed, and that is the cap");
                Problem::new(ProblemKind::AttemptsExhausted, detail)
            }
            Self::InProgress | Self::TimedOut | Self::Broken | Self::Unknown => {
                ProblemKind::OutcomeUnknown.into()
            }
        }
    }

    /// How an attempt ended, in a word.
    pub(super) const fn word(&self) -> &'static str {
        match self {
            Self::Failed { .. } => "failed",
            Self::NotStarted => "not started",
            Self::Rejected(_) => "rejected",
            Self::Voided => "voided",
            Self::Unreachable => "unreachable",
            Self::Expired => "no time left",
            Self::BreakerOpen(_) => "breaker open",
            Self::Exhausted { .. } => "exhausted",
            Self::InProgress => "in progress",
            Self::TimedOut => "timed out",
            Self::Broken => "broken",
            Self::Unknown => "unknown",
        }
    }

    /// Under what it is counted; `None` when no call was made.
    pub(super) const fn counted(&self) -> Option<AttemptOutcome> {
        match self {
            Self::Failed { .. } | Self::NotStarted | Self::Rejected(_) | Self::Voided | Self::InProgress => {
                Some(AttemptOutcome::Failed)
            }
            Self::Unreachable => Some(AttemptOutcome::Unreachable),
            Self::TimedOut => Some(AttemptOutcome::TimedOut),
            Self::Broken => Some(AttemptOutcome::Broken),
            Self::Expired | Self::BreakerOpen(_) | Self::Exhausted { .. } | Self::Unknown => None,
        }
    }
}

/// Makes the calls.
#[derive(Clone, Debug)]
pub(super) struct PaymentClient {
    node: Node,
    upstream: Upstream,
    telemetry: Telemetry,
}

impl PaymentClient {
    pub(super) const fn new(node: Node, upstream: Upstream, telemetry: Telemetry) -> Self {
        Self { node, upstream, telemetry }
    }
}

impl Service<PaymentCall> for PaymentClient {
    type Response = Payment;
    type Error = Unpaid;
    type Future = Pin<Box<dyn Future<Output = Result<Payment, Unpaid>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Unpaid>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: PaymentCall) -> Self::Future {
        let Self { node, upstream, telemetry } = self.clone();
        Box::pin(async move {
            let PaymentCall { context, order_id, body, key, deadline } = call;
            // Here, innermost: what a constraint further out refused was never a call.
            telemetry.record_call(&order_id, node.elapsed());
            let call = Call { deadline, idempotency_key: key, ..Call::post("/charges", body) };
            let _timed = telemetry.payment_begins(&node);
            judge(upstream.call(&context, call).await)
        })
    }
}

fn judge(answer: Result<Response<Bytes>, CallError>) -> Result<Payment, Unpaid> {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.fate() == Fate::NotSent => return Err(Unpaid::Unreachable),
        Err(_unknown) => return Err(Unpaid::Broken),
    };
    let outcome = match answer.status() {
        StatusCode::OK => match serde_json::from_slice(answer.body()) {
            Ok(ChargeAnswer { charge_id, .. }) => ProcessOutcome::Paid { charge_id },
            Err(_garbled) => return Err(Unpaid::Broken),
        },
        StatusCode::PAYMENT_REQUIRED => {
            ProcessOutcome::Declined { reason: Received::read(answer.body()).detail }
        }
        status => return Err(unpaid(status, answer.headers(), &Received::read(answer.body()))),
    };
    Ok(Payment { outcome, attempts: 1 })
}

fn unpaid(status: StatusCode, headers: &HeaderMap, problem: &Received) -> Unpaid {
    match status {
        StatusCode::GATEWAY_TIMEOUT if problem.is(ProblemKind::DeadlineExceeded) => Unpaid::NotStarted,
        StatusCode::CONFLICT if problem.is(ProblemKind::ChargeVoided) => Unpaid::Voided,
        StatusCode::CONFLICT if problem.is(ProblemKind::KeyInProgress) => Unpaid::InProgress,
        status if status.is_server_error() => Unpaid::Failed { retry_after: retry_after(headers) },
        status => Unpaid::Rejected(status),
    }
}

fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(header::RETRY_AFTER)?.to_str().ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, body: &'static str) -> Result<Payment, Unpaid> {
        let body = Bytes::from_static(body.as_bytes());
        judge(Ok(Response::builder().status(status).body(body).expect("a valid response")))
    }

    #[test]
    fn only_a_success_and_a_decline_are_an_end() {
        let charge = r#"{"charge_id":"ch-1","order_id":"o-1","amount":9.5,"currency":"EUR"}"#;
        assert!(matches!(answer(200, charge), Ok(Payment { outcome: ProcessOutcome::Paid { .. }, .. })));
        let decline = r#"{"type":"/problems/payment-declined","detail":"no money"}"#;
        let declined = ProcessOutcome::Declined { reason: "no money".to_owned() };
        assert_eq!(answer(402, decline), Ok(Payment { outcome: declined, attempts: 1 }));
        for status in [400, 404, 409, 422, 429, 500, 502, 503, 504] {
            assert!(answer(status, "").is_err(), "{status}");
        }
    }

    #[test]
    fn what_may_have_moved_money_is_told_from_what_surely_did_not() {
        let not_started = r#"{"type":"/problems/deadline-exceeded"}"#;
        let running = r#"{"type":"/problems/key-in-progress"}"#;
        let voided = r#"{"type":"/problems/charge-voided"}"#;
        for (answer, effect) in [
            (answer(503, ""), Effect::None),
            (answer(504, not_started), Effect::None),
            (answer(409, voided), Effect::None),
            (answer(409, running), Effect::Unknown),
            (answer(200, "<html>"), Effect::Unknown),
            (judge(Err(CallError::Connect(std::io::ErrorKind::ConnectionRefused.into()))), Effect::None),
            (judge(Err(CallError::Reset { detail: "reset".to_owned(), unsent: false })), Effect::Unknown),
        ] {
            assert_eq!(answer.as_ref().unwrap_err().effect(), effect, "{answer:?}");
        }
    }
}
