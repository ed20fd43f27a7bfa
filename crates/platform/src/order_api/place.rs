//! Placing an order: once per key, if the design heeds keys and the client sends one.
//!
//! The answer to a key is remembered in the layer's records; what is remembered there may be gone (a
//! crash, the bound, an outcome that was unknown), so the order itself is looked at too: its id follows
//! from the key, and a repetition finds the order that the first request left and is told how it stands.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use domain::{CustomerId, NewOrder, Order, OrderId, OrderState};
use resilience::idempotency::{
    Answer, Fingerprint, IdempotencyError, IdempotencyLayer, IdempotencySettings, Identity, InvalidKey, Keep,
    Key, KeyRule, Mode, OnDrop, Scheme, Unreadable,
};
use resilience::timeouts::Deadline;
use serde::{Deserialize, Serialize};
use tower::util::{BoxCloneSyncService, MapErrLayer};
use tower::{Service, ServiceBuilder};

use super::{OrderApi, store_problem};
use crate::design::Idempotency;
use crate::ids::now_us;
use crate::layers::{idempotency_problem, process};
use crate::state::ServiceState;
use crate::web::{Problem, ProblemKind, RequestContext, upstream::json};

/// How many orders one key may have had that all failed; then the client has to choose another.
const FAILED_PER_KEY_MAX: u32 = 16;

/// An order to be placed.
#[derive(Clone, Debug)]
pub(super) struct PlaceCall {
    pub(super) context: RequestContext,
    pub(super) order: NewOrder,
    /// What was asked for, so that a key that comes back with something else is noticed.
    pub(super) fingerprint: Fingerprint,
    pub(super) key: Option<String>,
    pub(super) deadline: Option<Deadline>,
}

/// Places orders, once per key where the design says so.
pub(super) type Placing = BoxCloneSyncService<PlaceCall, Order, Problem>;

/// Puts the design's idempotency around placing.
pub(super) fn placing(
    api: &Arc<OrderApi>,
    idempotency: Option<&Idempotency>,
    state: &ServiceState,
) -> Placing {
    let once = idempotency.map(|section| {
        let settings = IdempotencySettings {
            mode: Mode::Reject,
            // The order is in the store, where a repetition finds it.
            on_drop: OnDrop::Release,
            key: KeyRule::Optional,
            lease: section.lease.get(),
            keep: section.expiry.get(),
            ..IdempotencySettings::default()
        };
        let records = Arc::clone(&state.stores().records);
        let layer =
            IdempotencyLayer::shared(Placed, records, settings, process(&api.node), api.telemetry.clone());
        ServiceBuilder::new().layer(MapErrLayer::new(problem as fn(_) -> _)).layer(layer)
    });
    let place = Place { api: Arc::clone(api), heeds_keys: idempotency.is_some() };
    BoxCloneSyncService::new(ServiceBuilder::new().option_layer(once).service(place))
}

fn problem(error: IdempotencyError<Problem>) -> Problem {
    match error {
        IdempotencyError::Inner(problem) => problem,
        refusal => idempotency_problem(&refusal),
    }
}

/// The placing itself.
#[derive(Clone, Debug)]
struct Place {
    api: Arc<OrderApi>,
    heeds_keys: bool,
}

impl Service<PlaceCall> for Place {
    type Response = Order;
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Order, Problem>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: PlaceCall) -> Self::Future {
        let Self { api, heeds_keys } = self.clone();
        Box::pin(async move {
            let PlaceCall { context, order: new, key, deadline, .. } = call;
            let now_us = now_us(&api.node);
            let Some(key) = key.filter(|_| heeds_keys) else {
                let is_drawn = new.order_id().is_none();
                let order = new.place(|| api.ids.fresh(OrderId::new), now_us);
                return api.see_through(&context, order, is_drawn, deadline).await;
            };
            for turn in 0..FAILED_PER_KEY_MAX {
                let order = new.clone().place(|| id_of(new.customer_id(), &key, turn), now_us);
                let order_id = order.order_id.clone();
                let before = api.store.get(&order_id).await;
                match before.map_err(|error| store_problem(&error, &order_id))? {
                    None => return api.see_through(&context, order, false, deadline).await,
                    // Nothing was paid, and the client has left the choice of an id to us.
                    Some(before) if before.state() == OrderState::Failed && new.order_id().is_none() => {}
                    Some(before) => return as_it_stands(before, &order),
                }
            }
            Err(Problem::new(
                ProblemKind::OrderExists,
                "every order under this key has failed: take another key",
            ))
        })
    }
}

/// The id of the order under a key, its `turn`-th: the same whenever and wherever it is asked for.
pub(super) fn id_of(customer: &CustomerId, key: &str, turn: u32) -> OrderId {
    let Fingerprint(digest) = Fingerprint::of(&[customer.as_str().as_bytes(), key.as_bytes()]);
    let id = OrderId::new(format!("k-{digest:032x}-{turn}"));
    id.expect("hex digits and dashes, and fewer than 64 of them")
}

/// How an order stands that was placed before under the same key.
fn as_it_stands(before: Order, now: &Order) -> Result<Order, Problem> {
    let order_id = before.order_id.clone();
    let is_same = before.customer_id == now.customer_id && before.items == now.items;
    let problem = match before.state() {
        _ if !is_same => Problem::from(ProblemKind::KeyMismatch),
        OrderState::Completed => return Ok(before),
        OrderState::Declined => Problem::new(ProblemKind::PaymentDeclined, before.reason.unwrap_or_default()),
        OrderState::Placed | OrderState::Paying => Problem::from(ProblemKind::KeyInProgress).retry_after_s(1),
        OrderState::Failed => ProblemKind::OrderExists.into(),
    };
    Err(problem.order(order_id))
}

/// How orders are told apart and how their answers are kept.
#[derive(Clone, Copy, Debug)]
struct Placed;

/// An answer as it is kept.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Kept {
    Completed(Order),
    Declined { order_id: Option<OrderId>, detail: String },
}

impl Scheme<PlaceCall> for Placed {
    type Response = Order;
    type Error = Problem;

    fn identify(&self, call: &PlaceCall) -> Result<Option<Identity>, InvalidKey> {
        let Some(key) = &call.key else { return Ok(None) };
        let key = Key::new(call.order.customer_id().as_str(), key)?;
        Ok(Some(Identity { key, fingerprint: call.fingerprint }))
    }

    fn keep(&self, result: &Result<Order, Problem>) -> Keep {
        let kept = match result {
            Ok(order) => Kept::Completed(order.clone()),
            Err(problem) if problem.kind() == ProblemKind::PaymentDeclined => {
                Kept::Declined { order_id: problem.order_id().cloned(), detail: problem.detail().to_owned() }
            }
            // A refusal may be better luck next time; what is unknown is told from the order itself.
            Err(_) => return Keep::Forget,
        };
        Keep::Store(json(&kept).to_vec().into())
    }

    fn replay(&self, answer: &Answer) -> Result<Result<Order, Problem>, Unreadable> {
        Ok(match serde_json::from_slice(&answer.0).map_err(|_| Unreadable)? {
            Kept::Completed(order) => Ok(order),
            Kept::Declined { order_id, detail } => {
                let problem = Problem::new(ProblemKind::PaymentDeclined, detail);
                Err(match order_id {
                    Some(order_id) => problem.order(order_id),
                    None => problem,
                })
            }
        })
    }
}
