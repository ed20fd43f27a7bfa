//! What the services say to each other, as JSON bodies.
//!
//! order-api hands an order on as [`ProcessOrder`] and gets a [`ProcessedOrder`]; order-processor asks
//! payment with a [`ChargeRequest`] and gets a [`ChargeAnswer`]. Refusals and failures are no bodies of
//! these types but problem details with their status. Unknown fields are ignored, so that services of
//! two versions can talk.

use serde::{Deserialize, Serialize};

use crate::ids::{ChargeId, CustomerId, OrderId};
use crate::money::{Currency, Money};
use crate::order::{Order, Priority};

/// order-api to order-processor: get this order paid.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessOrder {
    /// The order.
    pub order_id: OrderId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// How much.
    pub amount: Money,
    /// The currency of the amount.
    #[serde(default)]
    pub currency: Currency,
    /// How much the order matters under overload.
    #[serde(default)]
    pub priority: Priority,
}

impl From<&Order> for ProcessOrder {
    fn from(order: &Order) -> Self {
        Self {
            order_id: order.order_id.clone(),
            customer_id: order.customer_id.clone(),
            amount: order.total,
            currency: order.currency,
            priority: order.priority,
        }
    }
}

/// order-processor's answer: how the payment ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProcessedOrder {
    /// The order.
    pub order_id: OrderId,
    /// How it ended.
    #[serde(flatten)]
    pub outcome: ProcessOutcome,
    /// Payment calls that it took.
    pub attempts: u32,
}

/// How a payment ended, when it did end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "outcome", rename_all = "snake_case")]
pub enum ProcessOutcome {
    /// The money moved.
    Paid {
        /// The charge that moved it.
        charge_id: ChargeId,
    },
    /// It was declined for good.
    Declined {
        /// Why, for people.
        reason: String,
    },
}

/// order-processor to payment: move this money. An idempotency key travels as a header.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeRequest {
    /// What it is for.
    pub order_id: OrderId,
    /// Who pays.
    pub customer_id: CustomerId,
    /// How much.
    pub amount: Money,
    /// The currency of the amount.
    #[serde(default)]
    pub currency: Currency,
}

impl From<&ProcessOrder> for ChargeRequest {
    fn from(order: &ProcessOrder) -> Self {
        Self {
            order_id: order.order_id.clone(),
            customer_id: order.customer_id.clone(),
            amount: order.amount,
            currency: order.currency,
        }
    }
}

/// Payment's answer to a charge that succeeded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeAnswer {
    /// The charge.
    pub charge_id: ChargeId,
    /// What it was for.
    pub order_id: OrderId,
    /// How much.
    pub amount: Money,
    /// The currency of the amount.
    #[serde(default)]
    pub currency: Currency,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_outcome_is_flat_on_the_wire() {
        let processed = ProcessedOrder {
            order_id: OrderId::new("o-1").expect("a valid id"),
            outcome: ProcessOutcome::Paid { charge_id: ChargeId::new("ch-1").expect("a valid id") },
            attempts: 2,
        };
        let text = serde_json::to_string(&processed).expect("plain data");
        assert_eq!(text, r#"{"order_id":"o-1","outcome":"paid","charge_id":"ch-1","attempts":2}"#);
        assert_eq!(serde_json::from_str::<ProcessedOrder>(&text).expect("what was written"), processed);
    }

    #[test]
    fn fields_that_a_newer_version_adds_are_ignored() {
        let text = r#"{"order_id":"o-1","customer_id":"c1","amount":19.5,"currency":"EUR","new":true}"#;
        let request: ChargeRequest = serde_json::from_str(text).expect("known fields are right");
        assert_eq!(request.amount.minor(), 1950);
    }
}
