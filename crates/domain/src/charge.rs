//! Charges: money that moved, as payment holds it.

use serde::{Deserialize, Serialize};

use crate::ids::{ChargeId, OrderId};
use crate::money::Money;

/// A successful charge. Attempts that failed or were declined leave none.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Charge {
    /// Made by payment.
    #[serde(rename = "charge_id")]
    pub id: ChargeId,
    /// What it was for.
    pub order_id: OrderId,
    /// The caller's idempotency key, where it sent one: at most one charge has it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<String>,
    /// How much.
    pub amount: Money,
    /// When the money moved.
    pub at_us: u64,
    /// When it was given back, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refunded_at_us: Option<u64>,
}

/// What a call to void a key found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Voided {
    /// No charge has that key, and none ever will: a tombstone stands there now.
    Tombstone,
    /// Too late: this charge had it already. Nothing was changed; it can be refunded.
    AlreadyCharged(Charge),
}
