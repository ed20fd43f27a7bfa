//! What one service can testify: the ground truth for the ledger, in a form that can cross a network.
//!
//! The same in every world: read directly where the service runs in the same process, through
//! `GET /facts` on its admin port where it does not.

use std::collections::BTreeMap;

use domain::{Charge, Notice, Order, OrderId, OrderState};
use serde::{Deserialize, Serialize};

use crate::kind::ServiceKind;
use crate::telemetry::{AlertFact, CallJournal, SpanFact};

/// One service's testimony.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ServiceFacts {
    /// Whose it is.
    pub service: ServiceKind,
    /// Every order in its store, by id.
    #[serde(default)]
    pub orders: Vec<OrderFact>,
    /// Every successful charge in its store, by charge id.
    #[serde(default)]
    pub charges: Vec<ChargeFact>,
    /// Every notice in its store, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notices: Vec<NoticeFact>,
    /// The calls to payment that it made.
    #[serde(default)]
    pub calls: CallJournal,
    /// Unknown outcomes that it settled.
    #[serde(default)]
    pub settled: SettledFact,
    /// Its gauges by name.
    #[serde(default)]
    pub gauges: BTreeMap<String, GaugeFact>,
    /// The bounds that its design declares for gauges of the same names.
    #[serde(default)]
    pub bounds: BTreeMap<String, u64>,
    /// Its alerts, in the order in which they began; null when its design watches for none.
    #[serde(default)]
    pub alerts: Option<Vec<AlertFact>>,
    /// What it did for single orders, in the order in which it ended; empty when nothing is recorded.
    #[serde(default)]
    pub spans: Vec<SpanFact>,
}

/// Unknown outcomes that were settled, by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SettledFact {
    /// They had been charged.
    pub completed: u64,
    /// They had not, and cannot be any more.
    pub failed: u64,
    /// They had been charged after all, and the money was given back.
    pub refunded: u64,
}

/// An order, as far as the ledger cares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderFact {
    /// The order.
    pub order_id: OrderId,
    /// Where it stands.
    pub state: OrderState,
    /// When it was accepted, in µs of the node's timeline.
    #[serde(default)]
    pub placed_at_us: u64,
    /// When its state last changed.
    #[serde(default)]
    pub updated_at_us: u64,
    /// Why it was declined or failed.
    #[serde(default)]
    pub reason: Option<String>,
}

impl From<&Order> for OrderFact {
    fn from(order: &Order) -> Self {
        Self {
            order_id: order.order_id.clone(),
            state: order.state(),
            placed_at_us: order.placed_at_us,
            updated_at_us: order.updated_at_us,
            reason: order.reason.clone(),
        }
    }
}

/// A successful charge, as far as the ledger cares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChargeFact {
    /// The order it was for.
    pub order_id: OrderId,
    /// When the money moved, in µs of the node's timeline.
    pub at_us: u64,
    /// Whether it was given back.
    pub refunded: bool,
    /// When it was given back, if it was.
    #[serde(default)]
    pub refunded_at_us: Option<u64>,
}

impl From<&Charge> for ChargeFact {
    fn from(charge: &Charge) -> Self {
        Self {
            order_id: charge.order_id.clone(),
            at_us: charge.at_us,
            refunded: charge.refunded_at_us.is_some(),
            refunded_at_us: charge.refunded_at_us,
        }
    }
}

/// A notice, as far as the ledger cares.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NoticeFact {
    /// The order that it was about.
    pub order_id: OrderId,
    /// When it was written down, in µs of the node's timeline.
    pub at_us: u64,
}

impl From<&Notice> for NoticeFact {
    fn from(notice: &Notice) -> Self {
        Self { order_id: notice.order_id.clone(), at_us: notice.at_us }
    }
}

/// A gauge's value and its exact maximum.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GaugeFact {
    /// When the testimony was given.
    pub now: u64,
    /// The highest ever.
    pub max: u64,
}
