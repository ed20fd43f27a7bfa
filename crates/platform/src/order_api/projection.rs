//! The projection: what others tell of an order moves it.
//!
//! With `[inbox]` an order takes each step once, whatever comes twice or out of its order: an event says where the order
//! stands after it, and a step that is behind the order already is left out. An event that contradicts how its order
//! ended is trouble. Without, each event does what it says, one step after the other; what cannot happen any more is
//! taken for a repetition and left alone, also when the order had stopped half way.

use std::sync::Arc;

use async_trait::async_trait;
use domain::event::{Ended, Event, NOTICES, PAYMENTS};
use domain::{Order, OrderEvent, OrderState, StoreError};

use super::OrderApi;
use crate::events::{Handle, Received, Trouble, Why};
use crate::ids::now_us;
use crate::telemetry::PaymentOutcome;

/// The groups of order-api are called so on each of its topics.
pub(super) const GROUP: &str = "order-api";

/// What the projection hears of.
pub(super) const TOPICS: [&str; 2] = [PAYMENTS, NOTICES];

/// Moves orders.
#[derive(Debug)]
pub(super) struct Projection {
    pub(super) api: Arc<OrderApi>,
    /// Whether each step is taken once.
    pub(super) once: bool,
}

#[async_trait]
impl Handle for Projection {
    async fn handle(&self, received: &Received) -> Result<(), Trouble> {
        let event = &received.envelope.event;
        let order_id = event.order_id();
        let at_us = now_us(&self.api.node);
        let had_ended = self.had_ended(event).await?;
        let order = match event {
            Event::OrderPlaced(_) => {
                return Err(Trouble::new(Why::Contradiction, "an order that was placed is no news here"));
            }
            _ if self.once => self.api.store.advance(order_id, event.steps(), at_us).await?,
            event => match self.step_by_step(event, at_us).await {
                Ok(order) => order,
                Err(StoreError::Illegal { source, .. }) => {
                    tracing::warn!(%order_id, %source, "taken for a repetition");
                    return Ok(());
                }
                Err(error) => return Err(error.into()),
            },
        };
        // Whatever else happened, it ended now.
        if order.updated_at_us == at_us && !had_ended {
            self.count(event, &order);
        }
        Ok(())
    }
}

impl Projection {
    async fn step_by_step(&self, event: &Event, at_us: u64) -> Result<Order, StoreError> {
        let steps = match event {
            Event::CustomerNotified { .. } => vec![OrderEvent::CustomerNotified],
            event => event.steps(),
        };
        let (store, order_id) = (&self.api.store, event.order_id());
        let mut order = None;
        for step in steps {
            order = Some(store.apply(order_id, step, at_us).await?);
        }
        Ok(order.expect("every event that comes here has steps"))
    }

    /// Whether an order had its end before it was told that its customer was told: nearly always, and only then it has to
    /// be looked at to know what is news.
    async fn had_ended(&self, event: &Event) -> Result<bool, StoreError> {
        if !matches!(event, Event::CustomerNotified { .. }) {
            return Ok(false);
        }
        let order = self.api.store.get(event.order_id()).await?;
        Ok(order.is_some_and(|order| order.state().is_final()))
    }

    fn count(&self, event: &Event, order: &Order) {
        let counters = self.api.telemetry.counters();
        if order.state() != OrderState::Failed {
            counters.order(OrderState::Paying);
        }
        counters.order(order.state());
        let outcome = match event.ended() {
            Some(Ended::Paid { .. }) => Some(PaymentOutcome::Made),
            Some(Ended::Declined { .. }) => Some(PaymentOutcome::Declined),
            Some(Ended::GivenUp { .. }) | None => None,
        };
        let attempts = match event {
            Event::PaymentCompleted { attempts, .. } | Event::PaymentFailed { attempts, .. } => *attempts,
            Event::OrderPlaced(_) | Event::CustomerNotified { .. } => 0,
        };
        let ended = u32::from(outcome.is_some());
        if let Some(outcome) = outcome {
            counters.payments(outcome, 1);
        }
        counters.payments(PaymentOutcome::Failed, u64::from(attempts.saturating_sub(ended)));
    }
}
