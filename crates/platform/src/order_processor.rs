//! order-processor: gets an order paid.
//!
//! The naive baseline's retries live here ([`naive`]): on anything but a success or a decline it asks
//! again, at once, for as long as it takes. Without timeouts a call that is never answered is waited for
//! for ever, and with a worker pool that worker is gone. What later designs put on the way to payment
//! stands in [`constraints`].
//!
//! A worker pool (v0.3.0) stands around the whole of an order, not around each attempt: an order that is
//! taken on keeps its worker until it is paid.

mod attempts;
mod constraints;
mod events;
pub(crate) mod handlers;
mod naive;
mod payment;

use std::sync::Arc;

use axum::Router;
use axum::routing::post;
use domain::{ProcessOrder, ProcessedOrder};
use node::Node;
use resilience::timeouts::Deadline;
use tower::{ServiceBuilder, ServiceExt};

use self::constraints::{WayToPayment, way_to_payment};
use self::payment::{Payment, PaymentCall, PaymentClient, Unpaid};
use crate::design::{Design, Topology};
use crate::kind::ServiceKind;
use crate::layers::{
    ClosingLayer, DetachLayer, GrantCreditsLayer, InFlightLayer, ThresholdLayer, WatchOrdersLayer,
    credit_gate, worker_pool,
};
use crate::service::Peers;
use crate::state::ServiceState;
use crate::telemetry::IN_FLIGHT;
use crate::web::upstream::Upstream;
use crate::web::{Problem, RequestContext, common};

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
    payment: WayToPayment,
    /// Whether deadlines are heeded.
    has_deadlines: bool,
    /// Whether each order's charge has a key.
    has_keys: bool,
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
    let upstream =
        Upstream::new(node, ServiceKind::PaymentService, &peers.payment_service).watched(telemetry);
    let client = PaymentClient::new(node.clone(), upstream.clone(), telemetry.clone());
    let processor = Arc::new(OrderProcessor {
        payment: way_to_payment(node, design, telemetry, settings.attempts_per_order_max, client),
        has_deadlines: design.timeouts.is_some(),
        has_keys: design.keys().is_some(),
    });
    if design.topology == Topology::Events {
        events::start(node, design, state, processor, upstream);
        // What it works on comes from the broker: over HTTP there is only what every service has.
        return common::finish(Router::new(), node, design, state, &[&peers.payment_service]);
    }

    // The way of an order, from the outside in; around all of it stand request id, trace and telemetry
    // (`common::finish`).
    let gate = design.backpressure.as_ref().and_then(credit_gate);
    let process = ServiceBuilder::new()
        // Nothing more is taken on once the process is to stop.
        .layer(ClosingLayer::new(node, telemetry))
        // What the alerts look at: outermost, so that it sees what is refused further in.
        .layer(WatchOrdersLayer::new(telemetry))
        // The naive task per order: it goes on when order-api has gone. Outside of the pool, so that a
        // worker is busy as long as its work takes, not as long as the connection lasts.
        .layer(DetachLayer::new(node.clone()))
        // Demand is granted with every answer, so outside of the pool: also with those that it refuses.
        .option_layer(gate.clone().map(GrantCreditsLayer::new))
        // The workers and the short queue before them. Before the body is read: a refusal costs no parsing.
        .option_layer(design.backpressure.as_ref().map(|pool| worker_pool(pool, gate.as_ref(), telemetry)))
        // Tells how long an order waited for its worker: directly inside the pool.
        .map_request(|request| {
            RequestContext::waited(&request, "queue");
            request
        })
        // Its log lines say from here on of which request they are.
        .layer(ThresholdLayer::waiting(false))
        // Counts orders in work: inside the pool, so that it counts busy workers and not the queue.
        .layer(InFlightLayer::new(telemetry.gauge(IN_FLIGHT)));

    let router =
        Router::new().route("/process", post(handlers::process).route_layer(process)).with_state(processor);
    common::finish(router, node, design, state, &[&peers.payment_service])
}

impl OrderProcessor {
    /// Tries until it is paid or declined, or may not be tried any more.
    async fn get_paid(
        &self,
        context: &RequestContext,
        order: &ProcessOrder,
        deadline: Option<Deadline>,
    ) -> Result<ProcessedOrder, Problem> {
        let call = PaymentCall::new(context, order, self.has_keys, deadline);
        let paid = self.payment.clone().oneshot(call).await;
        let Payment { outcome, attempts } = paid.map_err(Unpaid::into_problem)?;
        Ok(ProcessedOrder { order_id: order.order_id.clone(), outcome, attempts })
    }
}
