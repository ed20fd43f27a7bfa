//! The life of an order, as one pure function.
//!
//! ```text
//! placed ──PaymentStarted──▶ paying ──PaymentSucceeded──▶ completed
//!    │                          ├─────PaymentDeclined───▶ declined
//!    └────────Failed────────────┴─────────Failed────────▶ failed
//! ```
//!
//! Three states are final: nothing leaves them, whatever arrives late. That the customer was told (CustomerNotified)
//! happens within them, and is no state of its own. Everything that is not drawn is
//! an [`IllegalTransition`], an error value: duplicates and late answers are part of the weather here
//! and must neither panic nor pass silently. An order can fail before its payment began (nobody could
//! take it on), but it cannot complete without having been in `paying`.

use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::ids::ChargeId;

/// Where an order stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OrderState {
    /// Accepted, nothing done yet.
    Placed,
    /// Its payment is under way.
    Paying,
    /// Paid and done.
    Completed,
    /// The payment was declined.
    Declined,
    /// Given up.
    Failed,
}

impl OrderState {
    /// All states, in the order of a life.
    pub const ALL: [Self; 5] = [Self::Placed, Self::Paying, Self::Completed, Self::Declined, Self::Failed];

    /// Whether nothing more will happen to the order.
    #[must_use]
    pub const fn is_final(self) -> bool {
        matches!(self, Self::Completed | Self::Declined | Self::Failed)
    }

    /// The name on the wire.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Placed => "placed",
            Self::Paying => "paying",
            Self::Completed => "completed",
            Self::Declined => "declined",
            Self::Failed => "failed",
        }
    }
}

impl fmt::Display for OrderState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Something that happened to an order.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum OrderEvent {
    /// The order was handed on to be paid.
    PaymentStarted,
    /// The money moved.
    PaymentSucceeded {
        /// The charge that moved it.
        charge_id: ChargeId,
    },
    /// The payment was declined for good.
    PaymentDeclined {
        /// Why, for people.
        reason: String,
    },
    /// The order was given up.
    Failed {
        /// Why, for people.
        reason: String,
    },
    /// The customer was told how it ended.
    CustomerNotified,
}

impl OrderEvent {
    /// The name on the wire.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::PaymentStarted => "payment_started",
            Self::PaymentSucceeded { .. } => "payment_succeeded",
            Self::PaymentDeclined { .. } => "payment_declined",
            Self::Failed { .. } => "failed",
            Self::CustomerNotified => "customer_notified",
        }
    }
}

/// An event that cannot happen to an order in this state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("{event} cannot happen to an order that is {state}")]
pub struct IllegalTransition {
    /// Where the order stood, and still stands.
    pub state: OrderState,
    /// The name of the event.
    pub event: &'static str,
}

/// What becomes of an order in `state` when `event` happens.
///
/// # Errors
/// [`IllegalTransition`] for every pair that the module's drawing does not have.
pub const fn transition(state: OrderState, event: &OrderEvent) -> Result<OrderState, IllegalTransition> {
    match (state, event) {
        (OrderState::Placed, OrderEvent::PaymentStarted) => Ok(OrderState::Paying),
        (OrderState::Paying, OrderEvent::PaymentSucceeded { .. }) => Ok(OrderState::Completed),
        (OrderState::Paying, OrderEvent::PaymentDeclined { .. }) => Ok(OrderState::Declined),
        (OrderState::Placed | OrderState::Paying, OrderEvent::Failed { .. }) => Ok(OrderState::Failed),
        (state, OrderEvent::CustomerNotified) if state.is_final() => Ok(state),
        _ => Err(IllegalTransition { state, event: event.name() }),
    }
}

#[cfg(test)]
mod tests;
