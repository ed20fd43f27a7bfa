//! order-api: where clients place their orders.
//!
//! It stores an order before anything is done about it, hands it to order-processor, waits, and writes
//! down how it ended. What was answered with an order's id is in the store, whatever the answer was.
//!
//! Failure looks like this. Refused at the door (429): nothing is stored. Refused by the processor
//! (429), or the processor not reached (503): stored as failed, nothing was paid. A broken answer (502):
//! stored as failed although it may have been paid; the naive platform does not know better, and the
//! ledger shows it as a ghost charge. A spent deadline (504) is the same, unless nothing had been begun.
//! This process dying: the order stays `paying` for ever. With [`settlement`] the last three stay open and
//! are brought to their end in the background.
//!
//! Where services are joined by a broker it does not wait: it accepts an order ([`accept`]), and what others tell of it
//! moves it to its end ([`projection`]). Refused at the door (429, also because too much waits already: [`backlog`]) is
//! still nothing stored; what was accepted stays accepted.

mod accept;
pub(crate) mod backlog;
pub(crate) mod handlers;
mod place;
mod processor;
mod projection;
mod read;
mod settlement;
mod verdict;

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::middleware::from_fn;
use axum::routing::{get, post};
use domain::{Order, OrderEvent, OrderId, OrderState, OrderStore, ProcessOrder, StoreError};
use node::Node;
use resilience::timeouts::Deadline;
use tower::util::BoxCloneSyncService;
use tower::{ServiceBuilder, ServiceExt};

use self::accept::{Accept, Telling};
use self::backlog::BacklogBound;
use self::place::{Placing, placing};
use self::processor::{ProcessCall, WayToProcessor, way_to_processor};
use self::projection::Projection;
pub(crate) use self::read::ReadOrder;
use self::read::read_first;
use self::settlement::Settlement;
use self::verdict::Verdict;
use crate::design::{Design, Topology};
use crate::events::consumer::{self, AT_ONCE_UNBOUNDED};
use crate::events::{self, Consuming, Publisher, relay};
use crate::ids::{IdSource, now_us};
use crate::kind::ServiceKind;
use crate::layers::{
    BacklogLayer, ClosingLayer, CreditWindow, DetachLayer, InFlightLayer, ThresholdLayer, WatchOrdersLayer,
    admission,
};
use crate::service::Peers;
use crate::state::ServiceState;
use crate::telemetry::{IN_FLIGHT, PaymentOutcome, Telemetry, UNFINISHED};
use crate::web::log_span::LogSpanLayer;
use crate::web::upstream::{Upstream, json};
use crate::web::{Problem, ProblemKind, RequestContext, common};

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct OrderApi {
    node: Node,
    store: Arc<dyn OrderStore>,
    processor: WayToProcessor,
    /// The demand that order-processor granted, where the design has it grant any.
    credits: Option<CreditWindow>,
    telemetry: Telemetry,
    ids: IdSource,
    /// How long an order may take; `None` without timeouts.
    time_limit: Option<Duration>,
    /// Whether what is left open is settled.
    settles: bool,
    /// Whether an order is accepted at once, and done later.
    accepts: bool,
}

/// What the handlers share: the service, and the way to a placed order.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    api: Arc<OrderApi>,
    placing: Placing,
}

/// The service, assembled.
pub(crate) fn router(node: &Node, design: &Design, state: &ServiceState, peers: &Peers) -> Router {
    let telemetry = state.telemetry();
    let accepts = design.topology == Topology::Events;
    let processor = Upstream::new(node, ServiceKind::OrderProcessor, &peers.order_processor);
    let credits = design
        .backpressure
        .as_ref()
        .and_then(|pool| Some(CreditWindow::new(pool.credits()?, pool.retry_after, telemetry)));
    let api = Arc::new(OrderApi {
        node: node.clone(),
        store: Arc::clone(state.stores().orders.as_ref().expect("order-api's state has a store of orders")),
        processor: way_to_processor(design, telemetry, processor),
        credits: credits.clone(),
        telemetry: telemetry.clone(),
        ids: IdSource::new(node, "o"),
        time_limit: design.timeouts.as_ref().map(|section| section.request.get()),
        settles: design.composition.is_some(),
        accepts,
    });
    let keys = design.keys();
    let (placing, backlog) = match accepts {
        true => joined_by_a_broker(node, design, state, &api),
        false => (placing(&api, keys.as_ref(), state), None),
    };
    if let Some(section) = &design.composition {
        let payment = Upstream::new(node, ServiceKind::PaymentService, &peers.payment_service);
        Settlement::start(node, Arc::clone(&api), payment, section.clone());
    }

    // The way of an order, from the outside in; around all of it stand request id, trace and telemetry
    // (`common::finish`).
    let reads_first = design.admission.as_ref().is_some_and(|section| section.limit.reads_orders());
    let at_once = design.admission.as_ref().is_none_or(|section| section.limit.decides_at_once());
    let (door, quota) =
        design.admission.as_ref().map(|section| admission(section, node, telemetry, state.buckets())).unzip();
    let place = ServiceBuilder::new()
        // Nothing more is taken on once the process is to stop; whatever is inside was accepted, and is finished.
        .layer(ClosingLayer::new(node, telemetry))
        // What the alerts look at: outermost, so that it sees what is refused further in.
        .layer(WatchOrdersLayer::new(telemetry))
        // The naive task per order: it outlives its client. Outside of admission, so that a permit lives
        // as long as the work and not as long as the connection.
        .layer(DetachLayer::new(node.clone()).asking_once(at_once))
        // Before a door that has to know the order, and only there, it is read.
        .option_layer(reads_first.then(|| from_fn(read_first)))
        // What the door lets in and what of it is left, said with every answer: around the door, so that it is said
        // to who is refused as well.
        .option_layer(quota.flatten())
        // The door. Everywhere else before the body is read: a refusal costs no parsing.
        .option_layer(door)
        // What may be accepted and not done yet. Inside the door, so that what is refused there is not counted.
        .option_layer(backlog.map(|bound| BacklogLayer::new(bound, telemetry)))
        // The demand that was granted. Inside the door, so that what is refused there uses none up.
        .option_layer(credits.as_ref().map(CreditWindow::layer))
        // Here the work begins, in its own task: inside of everything that refuses in the call.
        .layer(ThresholdLayer::waiting(at_once))
        // Counts orders in work: inside the door, so that it counts what was let in.
        .layer(InFlightLayer::new(telemetry.gauge(IN_FLIGHT)));
    let orders = post(handlers::create).route_layer(place);

    let not_here = match accepts {
        true => post(handlers::no_sync),
        false => post(handlers::no_async),
    };
    let not_here = not_here.layer(LogSpanLayer);

    let router = Router::new()
        .route("/orders", orders.clone())
        // The same door, not a second one: a layer's clones share its state.
        .route(if accepts { "/orders/async" } else { "/orders/sync" }, orders)
        .route(if accepts { "/orders/sync" } else { "/orders/async" }, not_here)
        .route("/orders/{id}", get(handlers::show).layer(LogSpanLayer))
        .route("/stats", get(handlers::stats).layer(LogSpanLayer))
        .with_state(Shared { api, placing });
    common::finish(router, node, design, state, &[&peers.order_processor, &peers.payment_service])
}

/// What there is only where a broker joins the services: orders are accepted, and what others tell of them is heard.
fn joined_by_a_broker(
    node: &Node,
    design: &Design,
    state: &ServiceState,
    api: &Arc<OrderApi>,
) -> (Placing, Option<BacklogBound>) {
    let (broker, telemetry) = (events::broker(state), state.telemetry());
    let telling = match (&design.outbox, &state.stores().outbox) {
        (Some(section), Some(outbox)) => {
            Telling::Outbox(relay::start(node, Arc::clone(outbox), broker, section, telemetry))
        }
        (Some(_), None) => panic!("order-api's state has an outbox where its design has one"),
        (None, _) => Telling::Background(Publisher::start(node, broker, telemetry)),
    };
    let accept = Accept { api: Arc::clone(api), telling, heeds_keys: design.keys().is_some() };
    let at_once = design.consumers.as_ref().map(|section| section.in_hand_max.get() as usize);
    for topic in projection::TOPICS {
        let handler = Arc::new(Projection { api: Arc::clone(api), once: design.inbox.is_some() });
        let at_once = at_once.unwrap_or(AT_ONCE_UNBOUNDED);
        let consuming = Consuming {
            topic,
            group: projection::GROUP,
            at_once,
            autoscale: None,
            workers: None,
            in_work: None,
            handler,
        };
        consumer::start(node, design, state, consuming);
    }
    (BoxCloneSyncService::new(accept), backlog::start(node, design, state))
}

impl OrderApi {
    /// Stores a new order and sees it through to its end. `is_drawn`: its id was drawn for it, so that nobody else has it.
    async fn see_through(
        &self,
        context: &RequestContext,
        mut order: Order,
        is_drawn: bool,
        deadline: Option<Deadline>,
    ) -> Result<Order, Problem> {
        let order_id = order.order_id.clone();
        context.about(&order_id);
        let context = &context.clone().with_priority(order.priority);
        let body = json(&ProcessOrder::from(&order));
        // It goes straight to payment, and so it is stored: one durable write instead of two.
        order.apply(OrderEvent::PaymentStarted, now_us(&self.node)).expect("a new order may be paid");
        // Ahead of what follows, where nobody is told of the order before its end is written.
        let stored = match is_drawn && !self.settles {
            true => self.store.insert_ahead(order).await,
            false => self.store.insert(order).await,
        };
        stored.map_err(|error| store_problem(&error, &order_id))?;
        self.telemetry.counters().order(OrderState::Placed);
        self.telemetry.counters().order(OrderState::Paying);

        let call = ProcessCall { context: context.clone(), body, deadline };
        let (event, problem) = self.ask_processor(call).await.into_parts(self.settles);
        let ended = match event {
            Some(event) => Some(self.apply(&order_id, event).await?),
            None => {
                self.leave_open();
                None
            }
        };
        match (ended, problem) {
            (Some(order), None) => Ok(order),
            (_, problem) => Err(problem.unwrap_or_else(|| ProblemKind::Internal.into()).order(order_id)),
        }
    }

    /// An order stays open: there is something to settle from now on.
    fn leave_open(&self) {
        let unfinished = self.telemetry.gauge(UNFINISHED);
        unfinished.set(unfinished.now() + 1);
    }

    async fn ask_processor(&self, call: ProcessCall) -> Verdict {
        let answer = self.processor.clone().oneshot(call).await;
        if let (Some(credits), Ok(answer)) = (&self.credits, &answer) {
            credits.note(answer.headers());
        }
        let verdict = verdict::judge(answer);
        let counters = self.telemetry.counters();
        match &verdict {
            Verdict::Paid { attempts, .. } => {
                counters.payments(PaymentOutcome::Made, 1);
                counters.payments(PaymentOutcome::Failed, u64::from(attempts.saturating_sub(1)));
            }
            Verdict::Declined { attempts, .. } => {
                counters.payments(PaymentOutcome::Declined, 1);
                counters.payments(PaymentOutcome::Failed, u64::from(attempts.saturating_sub(1)));
            }
            // A refusal is the platform at work; anything else wants to be looked at.
            Verdict::GivenUp(problem) if problem.kind().is_refusal() => {}
            Verdict::GivenUp(problem) | Verdict::Unknown(problem) => {
                tracing::warn!(problem = problem.kind().entry().slug, "the order was not paid");
            }
        }
        verdict
    }

    async fn apply(&self, order_id: &OrderId, event: OrderEvent) -> Result<Order, Problem> {
        let applied = self.store.apply(order_id, event, now_us(&self.node)).await;
        let order = applied.map_err(|error| match error {
            // It was written ahead, or its charge was, and then the store failed: neither is there.
            StoreError::NotFound { .. } => {
                common::store_problem(ProblemKind::StoreUnavailable, &error).order(order_id.clone())
            }
            error => store_problem(&error, order_id),
        })?;
        self.telemetry.counters().order(order.state());
        Ok(order)
    }
}

fn store_problem(error: &StoreError, order_id: &OrderId) -> Problem {
    let kind = match error {
        StoreError::Exists { .. } => ProblemKind::OrderExists,
        StoreError::NotFound { .. } => ProblemKind::OrderNotFound,
        StoreError::Unavailable { .. } => ProblemKind::StoreUnavailable,
        StoreError::Illegal { .. } | StoreError::Voided { .. } => {
            tracing::error!(%error, %order_id, "the store refused what this service meant to do");
            ProblemKind::Internal
        }
    };
    common::store_problem(kind, error).order(order_id.clone())
}
