//! Notices: what customers were told of how their orders ended.

use serde::{Deserialize, Serialize};

use crate::ids::{CustomerId, EventId, OrderId};
use crate::state::OrderState;

/// A customer was told how an order ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// What it is told by; whoever receives it knows by that whether it is a repetition. Of the event that it goes back
    /// to, or one of its own where nobody cares for repetitions.
    pub id: EventId,
    /// The order.
    pub order_id: OrderId,
    /// Who is told.
    pub customer_id: CustomerId,
    /// How the order ended.
    pub outcome: OrderState,
    /// Why it was declined or failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// When it was written down.
    pub at_us: u64,
}
