//! What the services tell each other through a broker.
//!
//! An [`Envelope`] is one thing that happened, as JSON in the payload of a [`Message`]: its schema, what happened, and the
//! request that it goes back to, so that logs and traces go on behind the broker. Unknown fields are ignored, so that
//! services of two versions can talk; a schema above [`SCHEMA`] says that ignoring is not enough.
//!
//! The id of an event follows from what it tells ([`Event::id`]): who tells the same twice tells it under one id.

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::broker::Layout;
use crate::ids::{ChargeId, CustomerId, EventId, OrderId};
use crate::order::Order;
use crate::outbox::Message;
use crate::state::OrderEvent;
use crate::wire::ProcessOrder;

/// The schema of events that this program writes, and the highest that it understands.
pub const SCHEMA: u32 = 1;

/// Orders that were placed: from order-api to order-processor.
pub const ORDERS: &str = "orders";
/// How payments ended: from order-processor to order-api and notification-service.
pub const PAYMENTS: &str = "payments";
/// Customers that were told: from notification-service to order-api.
pub const NOTICES: &str = "notices";

/// The topics of the platform and who gets what is published on them.
#[must_use]
pub fn layout() -> Vec<Layout> {
    vec![
        Layout::new(ORDERS, &["order-processor"]),
        Layout::new(PAYMENTS, &["order-api", "notification-service"]),
        Layout::new(NOTICES, &["order-api"]),
    ]
}

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// It was accepted.
    OrderPlaced(ProcessOrder),
    /// It was paid.
    PaymentCompleted {
        /// The order.
        order_id: OrderId,
        /// Who paid.
        customer_id: CustomerId,
        /// The charge that moved the money.
        charge_id: ChargeId,
        /// Payment calls that it took.
        attempts: u32,
    },
    /// It was not paid, and will not be.
    PaymentFailed {
        /// The order.
        order_id: OrderId,
        /// Who would have paid.
        customer_id: CustomerId,
        /// Whether the payment was declined; otherwise it was given up.
        declined: bool,
        /// Why, for people.
        reason: String,
        /// Payment calls that it took.
        attempts: u32,
    },
    /// Its customer was told how it ended.
    CustomerNotified {
        /// The order.
        order_id: OrderId,
        /// What the customer was told; it may come to order-api before the event that it goes back to.
        #[serde(flatten)]
        ended: Ended,
    },
}

/// How an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "ended", rename_all = "snake_case")]
pub enum Ended {
    /// Paid.
    Paid {
        /// The charge that moved the money.
        charge_id: ChargeId,
    },
    /// Declined.
    Declined {
        /// Why, for people.
        reason: String,
    },
    /// Given up.
    GivenUp {
        /// Why, for people.
        reason: String,
    },
}

impl Ended {
    /// What it does to the order.
    fn steps(&self) -> Vec<OrderEvent> {
        match self.clone() {
            Self::Paid { charge_id } => {
                vec![OrderEvent::PaymentStarted, OrderEvent::PaymentSucceeded { charge_id }]
            }
            Self::Declined { reason } => {
                vec![OrderEvent::PaymentStarted, OrderEvent::PaymentDeclined { reason }]
            }
            Self::GivenUp { reason } => vec![OrderEvent::Failed { reason }],
        }
    }
}

impl Event {
    /// The order that it is about.
    #[must_use]
    pub const fn order_id(&self) -> &OrderId {
        match self {
            Self::OrderPlaced(order) => &order.order_id,
            Self::PaymentCompleted { order_id, .. }
            | Self::PaymentFailed { order_id, .. }
            | Self::CustomerNotified { order_id, .. } => order_id,
        }
    }

    /// The name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::OrderPlaced(_) => "order_placed",
            Self::PaymentCompleted { .. } => "payment_completed",
            Self::PaymentFailed { .. } => "payment_failed",
            Self::CustomerNotified { .. } => "customer_notified",
        }
    }

    /// The topic that it is published on.
    #[must_use]
    pub const fn topic(&self) -> &'static str {
        match self {
            Self::OrderPlaced(_) => ORDERS,
            Self::PaymentCompleted { .. } | Self::PaymentFailed { .. } => PAYMENTS,
            Self::CustomerNotified { .. } => NOTICES,
        }
    }

    /// The id under which it is told, however often: it follows from the kind of event and from its order.
    #[must_use]
    pub fn id(&self) -> EventId {
        EventId::about(self.letter(), self.order_id())
    }

    /// One letter for each kind; both ends of a payment share one, as only one of them can happen.
    const fn letter(&self) -> char {
        match self {
            Self::OrderPlaced(_) => 'o',
            Self::PaymentCompleted { .. } | Self::PaymentFailed { .. } => 'p',
            Self::CustomerNotified { .. } => 'n',
        }
    }

    /// How the order ended, where the event tells of that.
    #[must_use]
    pub fn ended(&self) -> Option<Ended> {
        match self.clone() {
            Self::OrderPlaced(_) => None,
            Self::PaymentCompleted { charge_id, .. } => Some(Ended::Paid { charge_id }),
            Self::PaymentFailed { declined: true, reason, .. } => Some(Ended::Declined { reason }),
            Self::PaymentFailed { declined: false, reason, .. } => Some(Ended::GivenUp { reason }),
            Self::CustomerNotified { ended, .. } => Some(ended),
        }
    }

    /// What it does to the order, step by step from wherever it stands; a step that is behind the order already is to be
    /// left out, as [`OrderStore::advance`](crate::OrderStore::advance) does.
    #[must_use]
    pub fn steps(&self) -> Vec<OrderEvent> {
        let mut steps = self.ended().map(|ended| ended.steps()).unwrap_or_default();
        if matches!(self, Self::CustomerNotified { .. }) {
            steps.push(OrderEvent::CustomerNotified);
        }
        steps
    }
}

impl From<&Order> for Event {
    fn from(order: &Order) -> Self {
        Self::OrderPlaced(order.into())
    }
}

/// An event on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Envelope {
    /// [`SCHEMA`] of the program that wrote it.
    pub schema: u32,
    /// What happened.
    #[serde(flatten)]
    pub event: Event,
    /// The request that it goes back to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// The trace that it belongs to, as W3C `traceparent`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub traceparent: Option<String>,
}

impl Envelope {
    /// An event with the request that it goes back to.
    #[must_use]
    pub const fn new(event: Event, request_id: Option<String>, traceparent: Option<String>) -> Self {
        Self { schema: SCHEMA, event, request_id, traceparent }
    }

    /// As a message, on its topic and under the event's id; messages about one order have one key.
    ///
    /// # Panics
    /// Never: an envelope has text keys only.
    #[must_use]
    pub fn message(&self, at_us: u64) -> Message {
        Message {
            event_id: self.event.id(),
            topic: self.event.topic().to_owned(),
            key: self.event.order_id().to_string(),
            payload: serde_json::to_vec(self).expect("an envelope has text keys only"),
            at_us,
        }
    }

    /// Reads a message's payload.
    ///
    /// # Errors
    /// [`Undecodable::Newer`] when a newer program wrote it; [`Undecodable::Malformed`] when it is no event at all.
    pub fn parse(payload: &[u8]) -> Result<Self, Undecodable> {
        let malformed = |error: serde_json::Error| Undecodable::Malformed { detail: error.to_string() };
        // The schema first: what a newer one looks like beyond it nobody here knows.
        let Schema { schema } = serde_json::from_slice(payload).map_err(malformed)?;
        if schema > SCHEMA {
            return Err(Undecodable::Newer { found: schema });
        }
        serde_json::from_slice(payload).map_err(malformed)
    }
}

#[derive(Deserialize)]
struct Schema {
    schema: u32,
}

/// Why a payload could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum Undecodable {
    /// It was written by a newer program: whoever runs that one here can read it.
    #[error("an event of schema {found}, and this program knows up to {SCHEMA}")]
    Newer {
        /// The schema that it has.
        found: u32,
    },
    /// It is no event.
    #[error("no event: {detail}")]
    Malformed {
        /// What is wrong with it.
        detail: String,
    },
}

#[cfg(test)]
mod tests;
