//! Accepting an order at once, where services are joined by a broker: it is stored, and everything else follows.
//!
//! With `[outbox]` the order and what others are to be told of it are committed together, and the relay is woken: what was
//! answered with 202 will be done, whoever dies. Without, the order is stored and then told once, in the background,
//! by a task that dies with its process: a 202 that may never be more than that.
//!
//! A key is heeded by the order's id, which follows from it: the order itself is the record of its key, committed with it
//! and kept as long. A repetition finds the order that the first request left, and is told how it stands.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use domain::event::{Envelope, Event};
use domain::{Order, OrderId, OrderState, StoreError};
use tower::Service;

use super::place::{PlaceCall, id_of};
use super::{OrderApi, store_problem};
use crate::events::relay::RelayHandle;
use crate::events::{Publisher, Why};
use crate::ids::now_us;
use crate::web::{Problem, ProblemKind};

/// How an order is told of.
#[derive(Clone, Debug)]
pub(super) enum Telling {
    /// From the outbox, by the relay.
    Outbox(RelayHandle),
    /// Once, in the background.
    Background(Publisher),
}

/// Accepts orders.
#[derive(Clone, Debug)]
pub(super) struct Accept {
    pub(super) api: Arc<OrderApi>,
    pub(super) telling: Telling,
    pub(super) heeds_keys: bool,
}

impl Service<PlaceCall> for Accept {
    type Response = Order;
    type Error = Problem;
    type Future = Pin<Box<dyn Future<Output = Result<Order, Problem>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Problem>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, call: PlaceCall) -> Self::Future {
        let accept = self.clone();
        Box::pin(async move { accept.accept(call).await })
    }
}

impl Accept {
    async fn accept(&self, call: PlaceCall) -> Result<Order, Problem> {
        let PlaceCall { context, order: new, key, .. } = call;
        let (api, now_us) = (&self.api, now_us(&self.api.node));
        let key = key.filter(|_| self.heeds_keys);
        let customer = new.customer_id().clone();
        let order = new.place(
            || match &key {
                Some(key) => id_of(&customer, key, 0),
                None => api.ids.fresh(OrderId::new),
            },
            now_us,
        );
        context.about(&order.order_id);
        let (request_id, traceparent) = context.carried();
        let envelope = Envelope::new(Event::from(&order), Some(request_id), Some(traceparent));
        let messages = match &self.telling {
            Telling::Outbox(_) => vec![envelope.message(now_us)],
            Telling::Background(_) => Vec::new(),
        };
        match api.store.insert_with(order.clone(), messages).await {
            Ok(()) => {}
            Err(StoreError::Exists { .. }) if key.is_some() => return self.before(order).await,
            Err(error) => return Err(store_problem(&error, &order.order_id)),
        }
        api.telemetry.counters().order(OrderState::Placed);
        match &self.telling {
            Telling::Outbox(relay) => relay.wake(),
            Telling::Background(publisher) => self.tell_in_background(publisher.clone(), envelope),
        }
        Ok(order)
    }

    /// The order that an earlier request has left under this id.
    async fn before(&self, now: Order) -> Result<Order, Problem> {
        let before = self.api.store.get(&now.order_id).await;
        let before = before.map_err(|error| store_problem(&error, &now.order_id))?;
        match before {
            Some(before) if before.customer_id == now.customer_id && before.items == now.items => Ok(before),
            Some(_other) => Err(Problem::from(ProblemKind::KeyMismatch).order(now.order_id)),
            None => Err(Problem::from(ProblemKind::OrderNotFound).order(now.order_id)),
        }
    }

    fn tell_in_background(&self, publisher: Publisher, envelope: Envelope) {
        let telemetry = self.api.telemetry.clone();
        // Detached, and nobody waits for it: not even a process that is to stop.
        self.api.node.spawn(async move {
            if let Err(error) = publisher.tell(&envelope).await {
                telemetry.events().failed(envelope.event.topic(), Why::Broker);
                let order_id = envelope.event.order_id();
                tracing::warn!(%order_id, %error, "an accepted order is lost: nobody was told of it");
            }
        });
    }
}
