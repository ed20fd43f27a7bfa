//! An order as it is stored and shown.
//!
//! It comes into being through [`NewOrder::place`](crate::NewOrder::place) and changes through
//! [`Order::apply`] only: the state is not public, so that no code can move it past the state machine.
//! Serialised it is the body of `GET /orders/{id}`; read back it is what an adapter stored.

use serde::{Deserialize, Serialize};

use crate::ids::{ChargeId, CustomerId, OrderId, ProductId};
use crate::money::{Currency, Money};
use crate::state::{IllegalTransition, OrderEvent, OrderState, transition};

/// How much an order matters when not all can be served.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Priority {
    /// Shed first.
    Low,
    /// The default.
    #[default]
    Normal,
    /// Shed last.
    High,
}

impl Priority {
    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
        }
    }
}

/// One line of an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Item {
    /// What.
    pub product_id: ProductId,
    /// How many of it, from 1 on.
    pub quantity: u32,
    /// What one of them costs.
    pub price: Money,
}

/// An order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Order {
    /// Its id, chosen by the client or made by order-api.
    pub order_id: OrderId,
    /// Who ordered.
    pub customer_id: CustomerId,
    /// What was ordered, at least one line.
    pub items: Vec<Item>,
    /// The sum over all lines.
    pub total: Money,
    /// The currency of all amounts.
    pub currency: Currency,
    state: OrderState,
    /// How much it matters under overload.
    pub priority: Priority,
    /// Whether the customer was told how it ended.
    pub notified: bool,
    /// When it was accepted.
    pub placed_at_us: u64,
    /// When its state last changed.
    pub updated_at_us: u64,
    /// The charge that paid for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charge_id: Option<ChargeId>,
    /// Why it was declined or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

impl Order {
    /// A fresh order in [`OrderState::Placed`]; the parser has checked the parts.
    pub(crate) fn placed(
        order_id: OrderId,
        customer_id: CustomerId,
        items: Vec<Item>,
        total: Money,
        priority: Priority,
        at_us: u64,
    ) -> Self {
        Self {
            order_id,
            customer_id,
            items,
            total,
            currency: Currency::Eur,
            state: OrderState::Placed,
            priority,
            notified: false,
            placed_at_us: at_us,
            updated_at_us: at_us,
            charge_id: None,
            reason: None,
        }
    }

    /// Where the order stands.
    #[must_use]
    pub const fn state(&self) -> OrderState {
        self.state
    }

    /// Lets an event happen to the order. When it cannot happen, nothing changes.
    ///
    /// # Errors
    /// [`IllegalTransition`], from [`transition`].
    pub fn apply(&mut self, event: OrderEvent, at_us: u64) -> Result<(), IllegalTransition> {
        let next = transition(self.state, &event)?;
        if next != self.state {
            self.state = next;
            self.updated_at_us = at_us;
        }
        match event {
            OrderEvent::PaymentStarted => {}
            OrderEvent::PaymentSucceeded { charge_id } => self.charge_id = Some(charge_id),
            OrderEvent::PaymentDeclined { reason } | OrderEvent::Failed { reason } => {
                self.reason = Some(reason);
            }
            OrderEvent::CustomerNotified => self.notified = true,
        }
        Ok(())
    }

    /// Lets events happen one after the other, those left out that are behind the order already.
    ///
    /// # Errors
    /// [`IllegalTransition`] of the first that can neither happen nor did. The order may have taken steps before it.
    pub fn advance(
        &mut self,
        events: impl IntoIterator<Item = OrderEvent>,
        at_us: u64,
    ) -> Result<(), IllegalTransition> {
        for event in events {
            if !self.is_behind(&event) {
                self.apply(event, at_us)?;
            }
        }
        Ok(())
    }

    /// Whether an event has happened to this order, so that hearing of it again means nothing: it stands where the event
    /// leads, or beyond. Another end than the one that the event tells of is not behind it.
    #[must_use]
    pub fn is_behind(&self, event: &OrderEvent) -> bool {
        match event {
            OrderEvent::PaymentStarted => self.state != OrderState::Placed,
            OrderEvent::PaymentSucceeded { charge_id } => self.charge_id.as_ref() == Some(charge_id),
            OrderEvent::PaymentDeclined { .. } => self.state == OrderState::Declined,
            OrderEvent::Failed { .. } => self.state == OrderState::Failed,
            OrderEvent::CustomerNotified => self.notified,
        }
    }
}
