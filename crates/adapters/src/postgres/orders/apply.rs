//! Events that happen to orders, many in one statement.
//!
//! Which states an event may happen in, and where it leads, is asked of the state machine and handed to the database
//! as rows: an update that finds an order in none of those states does nothing. So the decision and the
//! write are one, whoever else is at it, and nothing is locked in between.

use std::collections::BTreeMap;

use domain::{Order, OrderEvent, OrderId, OrderState, StoreError, transition};
use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::row::{self, signed};
use crate::postgres::lane::Write;

/// Something that happens to an order.
pub(in crate::postgres) struct Apply {
    pub(super) id: OrderId,
    pub(super) event: OrderEvent,
    pub(super) at_us: u64,
}

/// No life has more steps than there are states, so looking again so often finds an end.
const ROUNDS_MAX: usize = OrderState::ALL.len();

/// An order that is in none of an event's states is missing from what is returned.
const APPLY: &str = "
    UPDATE orders AS o
    SET state = e.to_state, notified = o.notified OR e.notified,
        updated_at_us = CASE WHEN e.to_state = e.from_state THEN o.updated_at_us ELSE e.at_us END,
        charge_id = COALESCE(e.charge_id, o.charge_id), reason = COALESCE(e.reason, o.reason)
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::boolean[])
         AS e (order_id, from_state, to_state, at_us, charge_id, reason, notified)
    WHERE o.order_id = e.order_id AND o.state = e.from_state
    RETURNING o.*";

/// Why it is missing.
const LOOK: &str = "SELECT order_id, state FROM orders WHERE order_id = ANY($1::text[])";

impl Write for Apply {
    type Reply = Result<Order, StoreError>;

    fn subject(&self) -> &[u8] {
        self.id.as_str().as_bytes()
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<Self::Reply>, sqlx::Error> {
        let mut said: BTreeMap<&OrderId, Self::Reply> = BTreeMap::new();
        let mut open: Vec<&Self> = batch.iter().collect();
        for _ in 0..ROUNDS_MAX {
            let applied = apply(connection, &open).await?;
            open.retain(|call| match applied.get(&call.id) {
                Some(order) => {
                    said.insert(&call.id, Ok(order.clone()));
                    false
                }
                None => true,
            });
            if open.is_empty() {
                break;
            }
            let found = look(connection, &open).await?;
            open.retain(|call| {
                let refusal = match found.get(&call.id) {
                    None => Some(StoreError::NotFound { id: call.id.to_string() }),
                    // It has come into such a state just now: another round.
                    Some(state) => transition(*state, &call.event)
                        .err()
                        .map(|source| StoreError::Illegal { id: call.id.clone(), source }),
                };
                let is_open = refusal.is_none();
                if let Some(refusal) = refusal {
                    said.insert(&call.id, Err(refusal));
                }
                is_open
            });
            if open.is_empty() {
                break;
            }
        }
        let answer = |call: &Self| {
            said.remove(&call.id)
                .ok_or_else(|| sqlx::Error::Protocol(format!("the order {} does not hold still", call.id)))
        };
        batch.iter().map(answer).collect()
    }
}

async fn apply(
    connection: &mut PgConnection,
    calls: &[&Apply],
) -> Result<BTreeMap<OrderId, Order>, sqlx::Error> {
    let steps: Vec<(&Apply, OrderState, OrderState)> = calls
        .iter()
        .flat_map(|call| {
            OrderState::ALL
                .into_iter()
                .filter_map(|from| Some((*call, from, transition(from, &call.event).ok()?)))
        })
        .collect();
    let charge_id = |(call, ..): &(&Apply, _, _)| match &call.event {
        OrderEvent::PaymentSucceeded { charge_id } => Some(charge_id.as_str().to_owned()),
        _ => None,
    };
    let reason = |(call, ..): &(&Apply, _, _)| match &call.event {
        OrderEvent::PaymentDeclined { reason } | OrderEvent::Failed { reason } => Some(row::text(reason)),
        OrderEvent::PaymentStarted | OrderEvent::PaymentSucceeded { .. } | OrderEvent::CustomerNotified => {
            None
        }
    };
    let notified = |(call, ..): &(&Apply, _, _)| matches!(call.event, OrderEvent::CustomerNotified);
    let rows = sqlx::query(APPLY)
        .bind(steps.iter().map(|(call, ..)| call.id.as_str()).collect::<Vec<_>>())
        .bind(steps.iter().map(|(_, from, _)| from.as_str()).collect::<Vec<_>>())
        .bind(steps.iter().map(|(_, _, to)| to.as_str()).collect::<Vec<_>>())
        .bind(steps.iter().map(|(call, ..)| signed(call.at_us)).collect::<Vec<_>>())
        .bind(steps.iter().map(charge_id).collect::<Vec<_>>())
        .bind(steps.iter().map(reason).collect::<Vec<_>>())
        .bind(steps.iter().map(notified).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let order = row::order(row)?;
            Ok((order.order_id.clone(), order))
        })
        .collect()
}

async fn look(
    connection: &mut PgConnection,
    calls: &[&Apply],
) -> Result<BTreeMap<OrderId, OrderState>, sqlx::Error> {
    let rows = sqlx::query(LOOK)
        .bind(calls.iter().map(|call| call.id.as_str()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.iter()
        .map(|row| {
            let id = OrderId::new(row.try_get::<&str, _>("order_id")?)
                .map_err(|error| sqlx::Error::Decode(error.into()))?;
            Ok((id, row::state(row.try_get("state")?)?))
        })
        .collect()
}
