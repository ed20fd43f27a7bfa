//! order-processor: gets an order paid.
//!
//! The naive baseline's retries live here: on anything but a success or a decline it asks again, at once,
//! for as long as it takes. There is no timeout: a call that is never answered is waited for for ever, and
//! with a worker pool that worker is gone. The one thing that keeps the loop finite is a cap on attempts
//! per order, which fails the order loudly.
//!
//! A worker pool (v0.3.0) stands around the whole of an order, not around each attempt: an order that is
//! taken on keeps its worker until it is paid.

pub(crate) mod handlers;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use domain::{ChargeAnswer, ChargeRequest, ProcessOrder, ProcessOutcome, ProcessedOrder};
use http::StatusCode;
use node::Node;
use node::http::{CallError, Fate};
use tower::ServiceBuilder;

use crate::design::Design;
use crate::kind::ServiceKind;
use crate::layers::{DetachLayer, InFlightLayer, WatchOrdersLayer, worker_pool};
use crate::service::Peers;
use crate::state::ServiceState;
use crate::telemetry::{AttemptOutcome, IN_FLIGHT, Telemetry};
use crate::web::problem::Received;
use crate::web::upstream::{Upstream, json};
use crate::web::{Problem, ProblemKind, RequestContext, common};

/// How often one order may be tried to be paid before it fails loudly.
pub const ATTEMPTS_PER_ORDER_MAX: u32 = 10_000;

/// What can be set at order-processor apart from the design.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ProcessorSettings {
    /// Calls to payment per order, at most; [`ATTEMPTS_PER_ORDER_MAX`] unless a test wants to get there.
    pub attempts_per_order_max: u32,
}

impl Default for ProcessorSettings {
    fn default() -> Self {
        Self { attempts_per_order_max: ATTEMPTS_PER_ORDER_MAX }
    }
}

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct OrderProcessor {
    node: Node,
    payment: Upstream,
    telemetry: Telemetry,
    settings: ProcessorSettings,
}

/// The service, assembled.
pub fn router(
    node: &Node,
    design: &Design,
    state: &ServiceState,
    peers: &Peers,
    settings: ProcessorSettings,
) -> Router {
    let telemetry = state.telemetry();
    let processor = Arc::new(OrderProcessor {
        node: node.clone(),
        payment: Upstream::new(node, ServiceKind::PaymentService, &peers.payment_service, "/charges")
            .watched(telemetry),
        telemetry: telemetry.clone(),
        settings,
    });

    // The way of an order, from the outside in; around all of it stand request id, trace and telemetry
    // (`common::finish`).
    let process = ServiceBuilder::new()
        // What the alerts look at: outermost, so that it sees what is refused further in.
        .layer(WatchOrdersLayer::new(telemetry))
        // The naive task per order: it goes on when order-api has gone. Outside of the pool, so that a
        // worker is busy as long as its work takes, not as long as the connection lasts.
        .layer(DetachLayer::new(node.clone()))
        // The workers and the short queue before them. Before the body is read: a refusal costs no parsing.
        .option_layer(design.backpressure.as_ref().map(|section| worker_pool(section, telemetry)))
        // Counts orders in work: inside the pool, so that it counts busy workers and not the queue.
        .layer(InFlightLayer::new(telemetry.gauge(IN_FLIGHT)));

    let router =
        Router::new().route("/process", post(handlers::process).route_layer(process)).with_state(processor);
    common::finish(router, node, design, telemetry)
}

/// How one call to payment ended.
enum Attempt {
    Succeeded(ChargeAnswer),
    Declined(String),
    /// No money has moved as far as anyone here knows.
    Again(AttemptOutcome),
}

impl OrderProcessor {
    /// Tries until it is paid or declined.
    async fn get_paid(
        &self,
        context: &RequestContext,
        order: &ProcessOrder,
    ) -> Result<ProcessedOrder, Problem> {
        let body = json(&ChargeRequest::from(order));
        let counters = self.telemetry.counters();
        for attempts in 1..=self.settings.attempts_per_order_max {
            self.telemetry.record_call(&order.order_id, self.node.elapsed());
            let outcome = match judge(self.payment.post(context, body.clone()).await) {
                Attempt::Succeeded(ChargeAnswer { charge_id, .. }) => {
                    counters.attempt(AttemptOutcome::Succeeded);
                    ProcessOutcome::Paid { charge_id }
                }
                Attempt::Declined(reason) => {
                    counters.attempt(AttemptOutcome::Declined);
                    ProcessOutcome::Declined { reason }
                }
                Attempt::Again(outcome) => {
                    counters.attempt(outcome);
                    continue;
                }
            };
            return Ok(ProcessedOrder { order_id: order.order_id.clone(), outcome, attempts });
        }
        let attempts = self.settings.attempts_per_order_max;
        counters.exhausted();
        tracing::error!(order_id = %order.order_id, attempts, "an order failed at the cap on payment attempts");
        let detail = format!("{attempts} attempts at the payment failed, and that is the cap");
        Err(Problem::new(ProblemKind::AttemptsExhausted, detail))
    }
}

fn judge(answer: Result<http::Response<bytes::Bytes>, CallError>) -> Attempt {
    let answer = match answer {
        Ok(answer) => answer,
        Err(error) if error.fate() == Fate::NotSent => return Attempt::Again(AttemptOutcome::Unreachable),
        Err(_unknown) => return Attempt::Again(AttemptOutcome::Broken),
    };
    match answer.status() {
        StatusCode::OK => match serde_json::from_slice(answer.body()) {
            Ok(charge) => Attempt::Succeeded(charge),
            Err(_garbled) => Attempt::Again(AttemptOutcome::Broken),
        },
        StatusCode::PAYMENT_REQUIRED => Attempt::Declined(Received::read(answer.body()).detail),
        _ => Attempt::Again(AttemptOutcome::Failed),
    }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use http::Response;

    use super::*;

    fn answer(status: u16, body: &'static str) -> Attempt {
        let body = Bytes::from_static(body.as_bytes());
        judge(Ok(Response::builder().status(status).body(body).expect("a valid response")))
    }

    #[test]
    fn only_a_success_and_a_decline_end_the_loop() {
        let charge = r#"{"charge_id":"ch-1","order_id":"o-1","amount":9.5,"currency":"EUR"}"#;
        assert!(matches!(answer(200, charge), Attempt::Succeeded(_)));
        let decline = r#"{"type":"/problems/payment-declined","detail":"no money"}"#;
        assert!(matches!(answer(402, decline), Attempt::Declined(reason) if reason == "no money"));
        for status in [400, 404, 409, 422, 429, 500, 503, 504] {
            assert!(matches!(answer(status, ""), Attempt::Again(AttemptOutcome::Failed)), "{status}");
        }
        assert!(matches!(answer(200, "<html>"), Attempt::Again(AttemptOutcome::Broken)));
        let refused = CallError::Connect(std::io::ErrorKind::ConnectionRefused.into());
        assert!(matches!(judge(Err(refused)), Attempt::Again(AttemptOutcome::Unreachable)));
    }
}
