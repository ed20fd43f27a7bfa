//! payment-service: moves the money, and is the hardship.
//!
//! So many slots, a service time, a chance to fail and a chance to decline ([`model`]). A charge that was
//! received is executed even if its caller has gone: money does not stop moving because somebody hung up.
//! That is what makes duplicates possible, and it is why executing is detached from the connection.
//!
//! An idempotency key is recorded with the charge. Without the idempotency constraint that is all: a second
//! charge with the same key runs, takes a slot and is refused by the store at its end. With it ([`once`])
//! the second joins the first. With timeouts, a charge whose time is over before it has a slot is not
//! begun; one that was begun is never broken off.

pub(crate) mod handlers;
mod model;
mod once;

use std::sync::Arc;

use axum::Router;
use axum::routing::{get, post};
use domain::{Charge, ChargeId, ChargeRequest, ChargeStore, StoreError};
use node::Node;
use resilience::timeouts::Deadline;
use tower::ServiceBuilder;

use self::model::{Executed, PaymentModel, Slot};
use self::once::{ChargeCall, Charging, charging};
use crate::design::Design;
use crate::ids::{IdSource, now_us};
use crate::layers::{ClosingLayer, DetachLayer, ThresholdLayer};
use crate::state::ServiceState;
use crate::telemetry::{ChargeOutcome, Telemetry};
use crate::web::log_span::LogSpanLayer;
use crate::web::{Problem, ProblemKind, common};

/// What the handlers share.
#[derive(Debug)]
pub(crate) struct PaymentService {
    node: Node,
    store: Arc<dyn ChargeStore>,
    model: PaymentModel,
    telemetry: Telemetry,
    ids: IdSource,
    has_deadlines: bool,
    charges_once: bool,
}

/// What the handlers share: the service, and the way to a charge.
#[derive(Clone, Debug)]
pub(crate) struct Shared {
    service: Arc<PaymentService>,
    charging: Charging,
}

/// The service, assembled.
pub(crate) fn router(node: &Node, design: &Design, state: &ServiceState) -> Router {
    let telemetry = state.telemetry();
    let service = Arc::new(PaymentService {
        node: node.clone(),
        store: Arc::clone(
            state.stores().charges.as_ref().expect("payment-service's state has a store of charges"),
        ),
        model: PaymentModel::new(node, &design.payment, state.hardship().clone(), telemetry),
        telemetry: telemetry.clone(),
        ids: IdSource::new(node, "ch"),
        has_deadlines: design.timeouts.is_some(),
        charges_once: design.keys().is_some(),
    });
    let charging = charging(&service, design.keys().as_ref(), state);

    // The way of a charge, from the outside in; around all of it stand request id, trace and telemetry
    // (`common::finish`). The slots are no layer: they are the model's own hardship, not a constraint.
    let charge = ServiceBuilder::new()
        // Nothing more is taken on once the process is to stop.
        .layer(ClosingLayer::new(node, telemetry))
        // A charge is executed even if its caller has gone. Inside, where the body is known, stands the
        // idempotency key (`once`): so a running charge survives its caller, and whoever joined it.
        .layer(DetachLayer::new(node.clone()))
        // Its log lines say from here on of which request they are.
        .layer(ThresholdLayer::waiting(false));

    let router = Router::new()
        .route("/charges", post(handlers::charge).route_layer(charge))
        .route("/charges/{key}", get(handlers::show).layer(LogSpanLayer))
        .route("/charges/{key}/void", post(handlers::void).layer(LogSpanLayer))
        .route("/charges/{key}/refund", post(handlers::refund).layer(LogSpanLayer))
        .with_state(Shared { service, charging });
    common::finish(router, node, design, state, &[])
}

impl PaymentService {
    /// Executes a charge. When this returns, the slot is free again: whoever is answered may come back at
    /// once and find it.
    async fn execute(&self, call: ChargeCall) -> Result<Charge, Problem> {
        let ChargeCall { context, request, key, deadline, is_from_within } = call;
        if let Some(charge) = self.charged_before(key.as_deref()).await? {
            return Ok(charge);
        }
        let waiting = context.span("slot");
        let slot = self.slot_until(deadline).await?;
        waiting.end_wait("taken");
        let executing = context.span("execute");
        let timed = self.telemetry.payment_begins(&self.node);
        let executed = self.model.execute(&self.node).await;
        executing.end(executed.as_str());
        drop(timed);
        let result = match executed {
            Executed::Succeeded => self.record(request, key, is_from_within).await,
            Executed::Declined => {
                self.telemetry.counters().charge(ChargeOutcome::Declined);
                Err(Problem::new(ProblemKind::PaymentDeclined, "the payment was declined"))
            }
            Executed::Failed => {
                self.telemetry.counters().charge(ChargeOutcome::Failed);
                // Chance decides anew each time: waiting would not help.
                Err(Problem::from(ProblemKind::PaymentFailed).retry_after_s(0))
            }
        };
        self.model.confirm(&self.node).await;
        drop(slot);
        result
    }

    /// A slot, if there is one in time: work whose deadline has passed is not started.
    async fn slot_until(&self, deadline: Option<Deadline>) -> Result<Slot, Problem> {
        let Some(deadline) = deadline.filter(|_| self.has_deadlines) else {
            return Ok(self.model.take_slot().await);
        };
        let too_late = |_elapsed| Problem::from(ProblemKind::DeadlineExceeded);
        tokio::time::timeout_at(deadline.instant(), self.model.take_slot()).await.map_err(too_late)
    }

    /// The charge that this key has already, when the answer that it was is remembered nowhere else.
    async fn charged_before(&self, key: Option<&str>) -> Result<Option<Charge>, Problem> {
        let Some(key) = key.filter(|_| self.charges_once) else { return Ok(None) };
        self.store.get(key).await.map_err(|error| store_problem(&error))
    }

    async fn record(
        &self,
        request: ChargeRequest,
        key: Option<String>,
        is_from_within: bool,
    ) -> Result<Charge, Problem> {
        let charge = Charge {
            id: self.ids.fresh(ChargeId::new),
            order_id: request.order_id,
            key,
            amount: request.amount,
            at_us: now_us(&self.node),
            refunded_at_us: None,
        };
        let recorded = match (is_from_within, &charge.key) {
            // Whoever asks has the outcome written down where the charge is, if that is one place, and the id is fresh.
            (true, None) => self.store.record_ahead(charge.clone()).await,
            _ => self.store.record(charge.clone()).await,
        };
        let counted = if recorded.is_ok() { ChargeOutcome::Succeeded } else { ChargeOutcome::Refused };
        self.telemetry.counters().charge(counted);
        recorded.map_err(|error| store_problem(&error))?;
        Ok(charge)
    }
}

fn store_problem(error: &StoreError) -> Problem {
    let kind = match error {
        StoreError::Exists { .. } => ProblemKind::ChargeExists,
        StoreError::Voided { .. } => ProblemKind::ChargeVoided,
        StoreError::NotFound { .. } => ProblemKind::ChargeNotFound,
        StoreError::Unavailable { .. } => ProblemKind::StoreUnavailable,
        StoreError::Illegal { .. } => ProblemKind::Internal,
    };
    common::store_problem(kind, error)
}
