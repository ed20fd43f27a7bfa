//! Between an order and its row.
//!
//! An order's state is private to `domain`, so that no code moves it past the state machine; the way back from a store
//! is its JSON form.

use domain::{Money, Order, OrderState};
use serde_json::{Value, json};
use sqlx::Row as _;
use sqlx::postgres::PgRow;
use sqlx::types::Json;

/// Times and amounts are below 2⁶³ for a long time to come.
pub(in crate::postgres) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// What [`signed`] wrote, and counts.
pub(in crate::postgres) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}

/// PostgreSQL has no text with a NUL in it. Reasons are for people, who would not see it either.
pub(in crate::postgres) fn text(text: &str) -> String {
    text.replace('\0', "\u{fffd}")
}

pub(in crate::postgres) fn state(name: &str) -> Result<OrderState, sqlx::Error> {
    OrderState::ALL
        .into_iter()
        .find(|state| state.as_str() == name)
        .ok_or_else(|| sqlx::Error::Decode(format!("there is no state {name:?} of an order").into()))
}

pub(super) fn order(row: &PgRow) -> Result<Order, sqlx::Error> {
    let decode = |error: serde_json::Error| sqlx::Error::Decode(error.into());
    let Json(items): Json<Value> = row.try_get("items")?;
    let total = Money::from_minor(unsigned(row.try_get("total_minor")?))
        .map_err(|error| sqlx::Error::Decode(error.into()))?;
    let mut order = json!({
        "order_id": row.try_get::<&str, _>("order_id")?,
        "customer_id": row.try_get::<&str, _>("customer_id")?,
        "items": items,
        "total": total,
        "currency": row.try_get::<&str, _>("currency")?,
        "state": row.try_get::<&str, _>("state")?,
        "priority": row.try_get::<&str, _>("priority")?,
        "notified": row.try_get::<bool, _>("notified")?,
        "placed_at_us": unsigned(row.try_get("placed_at_us")?),
        "updated_at_us": unsigned(row.try_get("updated_at_us")?),
    });
    for name in ["charge_id", "reason"] {
        if let Some(text) = row.try_get::<Option<&str>, _>(name)? {
            order[name] = text.into();
        }
    }
    serde_json::from_value(order).map_err(decode)
}
