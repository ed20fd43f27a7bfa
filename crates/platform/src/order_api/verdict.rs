//! What order-processor's answer means for the order, and for its client.
//!
//! Pure: an answer (or the lack of one) in, a verdict out.

use bytes::Bytes;
use domain::{ChargeId, OrderEvent, ProcessOutcome, ProcessedOrder};
use http::{HeaderMap, Response, StatusCode, header};
use node::http::Fate;

use super::processor::NoAnswer;
use crate::web::problem::Received;
use crate::web::{Problem, ProblemKind};

/// What a client is told to wait when there is nothing better to go by.
const RETRY_AFTER_S: u64 = 1;

/// How an order's payment ended.
#[derive(Debug)]
pub(super) enum Verdict {
    /// Paid.
    Paid { charge_id: ChargeId, attempts: u32 },
    /// Declined for good.
    Declined { reason: String, attempts: u32 },
    /// Not paid as far as we know: the order fails, and this is what the client is told.
    GivenUp(Problem),
    /// Nobody knows: it may have been paid. Without settlement the order fails all the same.
    Unknown(Problem),
}

impl Verdict {
    /// What happens to the order, and what the client is told if it is no success.
    ///
    /// No event: the order stays open, and is settled later.
    pub(super) fn into_parts(self, settles: bool) -> (Option<OrderEvent>, Option<Problem>) {
        let (event, problem) = match self {
            Self::Paid { charge_id, .. } => (OrderEvent::PaymentSucceeded { charge_id }, None),
            Self::Declined { reason, .. } => {
                let problem = Problem::new(ProblemKind::PaymentDeclined, reason.clone());
                (OrderEvent::PaymentDeclined { reason }, Some(problem))
            }
            Self::Unknown(_) if settles => return (None, Some(ProblemKind::OutcomeUnknown.into())),
            Self::GivenUp(problem) | Self::Unknown(problem) => {
                let reason = problem.kind().entry().slug.to_owned();
                (OrderEvent::Failed { reason }, Some(problem))
            }
        };
        (Some(event), problem)
    }
}

/// Refusals of order-processor that are handed on as they are: nothing was paid, and that is certain.
const NOTHING_PAID: &[ProblemKind] = &[
    ProblemKind::PaymentFailed,
    ProblemKind::PaymentUnreachable,
    ProblemKind::BreakerOpen,
    ProblemKind::DeadlineExceeded,
    ProblemKind::PaymentRejected,
    ProblemKind::ChargeVoided,
    ProblemKind::Doomed,
    ProblemKind::QueueDelay,
    ProblemKind::QueueFull,
    ProblemKind::RateLimit,
    ProblemKind::NoCredit,
    ProblemKind::LowPriority,
];

/// Judges an answer of order-processor.
pub(super) fn judge(answer: Result<Response<Bytes>, NoAnswer>) -> Verdict {
    let answer = match answer {
        Ok(answer) => answer,
        Err(NoAnswer::Expired) => return Verdict::GivenUp(ProblemKind::DeadlineExceeded.into()),
        Err(NoAnswer::TimedOut) => return Verdict::Unknown(ProblemKind::OutcomeUnknown.into()),
        Err(NoAnswer::Call(error)) if error.fate() == Fate::NotSent => {
            return Verdict::GivenUp(unreachable(RETRY_AFTER_S));
        }
        Err(NoAnswer::Call(error)) => {
            return broken(format!("the order processor did not answer: {error}"));
        }
    };
    let (head, body) = answer.into_parts();
    if head.status == StatusCode::OK {
        return processed(&body);
    }
    let received = Received::read(&body);
    if let Some(kind) = NOTHING_PAID.iter().find(|kind| received.is(**kind)) {
        let problem = Problem::new(*kind, received.detail);
        return Verdict::GivenUp(match kind.entry().status {
            StatusCode::TOO_MANY_REQUESTS | StatusCode::SERVICE_UNAVAILABLE => {
                problem.retry_after_s(retry_after_s(&head.headers))
            }
            _ => problem,
        });
    }
    match head.status {
        StatusCode::TOO_MANY_REQUESTS => Verdict::GivenUp(
            Problem::from(ProblemKind::QueueFull).retry_after_s(retry_after_s(&head.headers)),
        ),
        StatusCode::SERVICE_UNAVAILABLE => Verdict::GivenUp(unreachable(retry_after_s(&head.headers))),
        StatusCode::GATEWAY_TIMEOUT => Verdict::Unknown(ProblemKind::OutcomeUnknown.into()),
        _ if received.is(ProblemKind::AttemptsExhausted) => {
            Verdict::GivenUp(Problem::new(ProblemKind::AttemptsExhausted, received.detail))
        }
        status => broken(format!("the order processor answered {status}")),
    }
}

fn processed(body: &[u8]) -> Verdict {
    match serde_json::from_slice(body) {
        Ok(ProcessedOrder { outcome: ProcessOutcome::Paid { charge_id }, attempts, .. }) => {
            Verdict::Paid { charge_id, attempts }
        }
        Ok(ProcessedOrder { outcome: ProcessOutcome::Declined { reason }, attempts, .. }) => {
            Verdict::Declined { reason, attempts }
        }
        Err(error) => broken(format!("the order processor's answer makes no sense: {error}")),
    }
}

fn unreachable(after_s: u64) -> Problem {
    Problem::from(ProblemKind::ProcessorUnreachable).retry_after_s(after_s)
}

fn broken(detail: String) -> Verdict {
    Verdict::Unknown(Problem::new(ProblemKind::ProcessorBroken, detail))
}

fn retry_after_s(headers: &HeaderMap) -> u64 {
    let stated = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    stated.unwrap_or(RETRY_AFTER_S)
}

#[cfg(test)]
mod tests {
    use std::io;

    use node::http::CallError;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Result<Response<Bytes>, NoAnswer> {
        let answer = Response::builder().status(status).header(header::RETRY_AFTER, "7");
        Ok(answer.body(Bytes::from_static(body.as_bytes())).expect("a valid response"))
    }

    fn given_up(answer: Result<Response<Bytes>, NoAnswer>) -> ProblemKind {
        match judge(answer) {
            Verdict::GivenUp(problem) => problem.kind(),
            verdict => panic!("{verdict:?}"),
        }
    }

    fn unknown(answer: Result<Response<Bytes>, NoAnswer>) -> ProblemKind {
        match judge(answer) {
            Verdict::Unknown(problem) => problem.kind(),
            verdict => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn a_success_and_a_decline_are_final() {
        let paid = answer(200, r#"{"order_id":"o","outcome":"paid","charge_id":"ch-1","attempts":2}"#);
        assert!(matches!(judge(paid), Verdict::Paid { attempts: 2, .. }));
        let declined = answer(200, r#"{"order_id":"o","outcome":"declined","reason":"no","attempts":1}"#);
        let (event, problem) = judge(declined).into_parts(false);
        assert_eq!(event.expect("an end"), OrderEvent::PaymentDeclined { reason: "no".to_owned() });
        assert_eq!(problem.expect("told").kind(), ProblemKind::PaymentDeclined);
    }

    #[test]
    fn a_refusal_is_carried_back() {
        let (event, problem) = judge(answer(429, "")).into_parts(true);
        assert_eq!(event.expect("an end"), OrderEvent::Failed { reason: "queue-full".to_owned() });
        assert_eq!(problem.expect("told").kind(), ProblemKind::QueueFull);
    }

    #[test]
    fn what_makes_no_sense_is_a_bad_gateway_and_unknown() {
        for (status, body) in [(200, "<html>"), (200, "{}"), (404, ""), (500, "")] {
            assert_eq!(unknown(answer(status, body)), ProblemKind::ProcessorBroken, "{status} {body}");
        }
        let exhausted = answer(500, r#"{"type":"/problems/attempts-exhausted","detail":"10000"}"#);
        assert_eq!(given_up(exhausted), ProblemKind::AttemptsExhausted);
    }

    #[test]
    fn a_spent_deadline_is_unknown_unless_the_processor_says_that_nothing_was_begun() {
        assert_eq!(unknown(Err(NoAnswer::TimedOut)), ProblemKind::OutcomeUnknown);
        assert_eq!(unknown(answer(504, "")), ProblemKind::OutcomeUnknown);
        assert_eq!(given_up(Err(NoAnswer::Expired)), ProblemKind::DeadlineExceeded);
        let not_begun = answer(504, r#"{"type":"/problems/deadline-exceeded","detail":""}"#);
        assert_eq!(given_up(not_begun), ProblemKind::DeadlineExceeded);
    }

    #[test]
    fn an_unknown_outcome_stays_open_only_where_it_is_settled() {
        let (event, problem) = judge(Err(NoAnswer::TimedOut)).into_parts(true);
        assert_eq!((event, problem.expect("told").kind()), (None, ProblemKind::OutcomeUnknown));
        let (event, _) = judge(Err(NoAnswer::TimedOut)).into_parts(false);
        assert_eq!(event, Some(OrderEvent::Failed { reason: "outcome-unknown".to_owned() }));
    }

    #[test]
    fn only_what_was_never_sent_is_unavailable() {
        let refused = CallError::Connect(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(given_up(Err(NoAnswer::Call(refused))), ProblemKind::ProcessorUnreachable);
        let reset = CallError::Reset { detail: "reset".to_owned(), unsent: false };
        assert_eq!(unknown(Err(NoAnswer::Call(reset))), ProblemKind::ProcessorBroken);
        let garbled = CallError::Protocol("not HTTP".to_owned());
        assert_eq!(unknown(Err(NoAnswer::Call(garbled))), ProblemKind::ProcessorBroken);
    }
}
