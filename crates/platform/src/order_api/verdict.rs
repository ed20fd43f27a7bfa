//! What order-processor's answer means for the order, and for its client.
//!
//! Pure: an answer (or the lack of one) in, a verdict out.

use bytes::Bytes;
use domain::{ChargeId, OrderEvent, ProcessOutcome, ProcessedOrder};
use http::{HeaderMap, Response, StatusCode, header};
use node::http::{CallError, Fate};

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
}

impl Verdict {
    /// What happens to the order, and what the client is told if it is no success.
    pub(super) fn into_parts(self) -> (OrderEvent, Option<Problem>) {
        match self {
            Self::Paid { charge_id, .. } => (OrderEvent::PaymentSucceeded { charge_id }, None),
            Self::Declined { reason, .. } => {
                let problem = Problem::new(ProblemKind::PaymentDeclined, reason.clone());
                (OrderEvent::PaymentDeclined { reason }, Some(problem))
            }
            Self::GivenUp(problem) => {
                let reason = problem.kind().entry().slug.to_owned();
                (OrderEvent::Failed { reason }, Some(problem))
            }
        }
    }
}

/// Judges an answer of order-processor.
pub(super) fn judge(answer: Result<Response<Bytes>, CallError>) -> Verdict {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.fate() == Fate::NotSent => {
            return Verdict::GivenUp(unreachable(RETRY_AFTER_S));
        }
        Err(error) => return broken(format!("the order processor did not answer: {error}")),
    };
    let (head, body) = answer.into_parts();
    match head.status {
        StatusCode::OK => processed(&body),
        StatusCode::TOO_MANY_REQUESTS => Verdict::GivenUp(
            Problem::from(ProblemKind::QueueFull).retry_after_s(retry_after_s(&head.headers)),
        ),
        StatusCode::SERVICE_UNAVAILABLE => Verdict::GivenUp(unreachable(retry_after_s(&head.headers))),
        status => {
            let received = Received::read(&body);
            if received.is(ProblemKind::AttemptsExhausted) {
                return Verdict::GivenUp(Problem::new(ProblemKind::AttemptsExhausted, received.detail));
            }
            broken(format!("the order processor answered {status}"))
        }
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
    Verdict::GivenUp(Problem::new(ProblemKind::ProcessorBroken, detail))
}

fn retry_after_s(headers: &HeaderMap) -> u64 {
    let stated = headers.get(header::RETRY_AFTER).and_then(|value| value.to_str().ok()?.parse().ok());
    stated.unwrap_or(RETRY_AFTER_S)
}

#[cfg(test)]
mod tests {
    use std::io;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Result<Response<Bytes>, CallError> {
        let answer = Response::builder().status(status).header(header::RETRY_AFTER, "7");
        Ok(answer.body(Bytes::from_static(body.as_bytes())).expect("a valid response"))
    }

    fn given_up(answer: Result<Response<Bytes>, CallError>) -> ProblemKind {
        match judge(answer) {
            Verdict::GivenUp(problem) => problem.kind(),
            verdict => panic!("{verdict:?}"),
        }
    }

    #[test]
    fn a_success_and_a_decline_are_final() {
        let paid = answer(200, r#"{"order_id":"o","outcome":"paid","charge_id":"ch-1","attempts":2}"#);
        assert!(matches!(judge(paid), Verdict::Paid { attempts: 2, .. }));
        let declined = answer(200, r#"{"order_id":"o","outcome":"declined","reason":"no","attempts":1}"#);
        let (event, problem) = judge(declined).into_parts();
        assert_eq!(event, OrderEvent::PaymentDeclined { reason: "no".to_owned() });
        assert_eq!(problem.expect("told").kind(), ProblemKind::PaymentDeclined);
    }

    #[test]
    fn a_refusal_is_carried_back() {
        let (event, problem) = judge(answer(429, "")).into_parts();
        assert_eq!(event, OrderEvent::Failed { reason: "queue-full".to_owned() });
        assert_eq!(problem.expect("told").kind(), ProblemKind::QueueFull);
    }

    #[test]
    fn what_makes_no_sense_is_a_bad_gateway() {
        assert_eq!(given_up(answer(200, "<html>")), ProblemKind::ProcessorBroken);
        assert_eq!(given_up(answer(200, "{}")), ProblemKind::ProcessorBroken);
        assert_eq!(given_up(answer(404, "")), ProblemKind::ProcessorBroken);
        assert_eq!(given_up(answer(500, "")), ProblemKind::ProcessorBroken);
        let exhausted = answer(500, r#"{"type":"/problems/attempts-exhausted","detail":"10000"}"#);
        assert_eq!(given_up(exhausted), ProblemKind::AttemptsExhausted);
    }

    #[test]
    fn only_what_was_never_sent_is_unavailable() {
        let refused = CallError::Connect(io::ErrorKind::ConnectionRefused.into());
        assert_eq!(given_up(Err(refused)), ProblemKind::ProcessorUnreachable);
        let reset = CallError::Reset { detail: "reset".to_owned(), unsent: false };
        assert_eq!(given_up(Err(reset)), ProblemKind::ProcessorBroken);
        let garbled = CallError::Protocol("not HTTP".to_owned());
        assert_eq!(given_up(Err(garbled)), ProblemKind::ProcessorBroken);
    }
}
