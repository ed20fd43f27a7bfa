//! New orders, many in one statement.

use std::collections::BTreeSet;

use domain::{Currency, Message, Order, StoreError};
use sqlx::Row as _;
use sqlx::postgres::PgConnection;

use super::outbox;
use super::row::{signed, text};
use crate::postgres::lane::Write;

/// A new order.
pub(in crate::postgres) struct Insert {
    pub(super) order: Order,
    /// What others are to be told of it.
    pub(super) messages: Vec<Message>,
}

/// An order whose id is taken is left out, and so is missing from what is returned.
const INSERT: &str = "
    INSERT INTO orders (order_id, customer_id, items, total_minor, currency, state, priority, notified,
                        placed_at_us, updated_at_us, charge_id, reason)
    SELECT n.order_id, n.customer_id, n.items::jsonb, n.total_minor, n.currency, n.state, n.priority, n.notified,
           n.placed_at_us, n.updated_at_us, n.charge_id, n.reason
    FROM UNNEST($1::text[], $2::text[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::text[], $8::boolean[],
                $9::bigint[], $10::bigint[], $11::text[], $12::text[])
         AS n (order_id, customer_id, items, total_minor, currency, state, priority, notified, placed_at_us,
               updated_at_us, charge_id, reason)
    ON CONFLICT (order_id) DO NOTHING
    RETURNING order_id";

impl Write for Insert {
    type Reply = Result<(), StoreError>;

    fn subject(&self) -> &[u8] {
        self.order.order_id.as_str().as_bytes()
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<Self::Reply>, sqlx::Error> {
        let inserted = if batch.iter().all(|insert| insert.messages.is_empty()) {
            insert(connection, batch).await?
        } else {
            insert_with_messages(connection, batch).await?
        };
        let said = batch.iter().map(|Self { order, .. }| {
            if inserted.contains(order.order_id.as_str()) {
                Ok(())
            } else {
                Err(StoreError::Exists { id: order.order_id.to_string() })
            }
        });
        Ok(said.collect())
    }
}

/// Orders and messages in one transaction. Unless it is committed, it is undone.
async fn insert_with_messages(
    connection: &mut PgConnection,
    batch: &[Insert],
) -> Result<BTreeSet<String>, sqlx::Error> {
    sqlx::raw_sql(outbox::FIRST).execute(&mut *connection).await?;
    let done = async {
        let inserted = insert(connection, batch).await?;
        let calls: Vec<&Insert> =
            batch.iter().filter(|call| inserted.contains(call.order.order_id.as_str())).collect();
        outbox::put(connection, &calls).await?;
        sqlx::raw_sql("COMMIT").execute(&mut *connection).await?;
        Ok(inserted)
    }
    .await;
    if done.is_err() {
        // On a connection that broke it fails as well, and the server has undone it.
        let _broken = sqlx::raw_sql("ROLLBACK").execute(connection).await;
    }
    done
}

/// The ids of those that were inserted.
async fn insert(connection: &mut PgConnection, batch: &[Insert]) -> Result<BTreeSet<String>, sqlx::Error> {
    let orders = || batch.iter().map(|insert| &insert.order);
    let items: Vec<String> = orders()
        .map(|order| serde_json::to_string(&order.items).map_err(|error| sqlx::Error::Encode(error.into())))
        .collect::<Result<_, _>>()?;
    let currency = |order: &Order| match order.currency {
        Currency::Eur => "EUR",
    };
    let rows = sqlx::query(INSERT)
        .bind(orders().map(|order| order.order_id.as_str()).collect::<Vec<_>>())
        .bind(orders().map(|order| order.customer_id.as_str()).collect::<Vec<_>>())
        .bind(items)
        .bind(orders().map(|order| signed(order.total.minor())).collect::<Vec<_>>())
        .bind(orders().map(currency).collect::<Vec<_>>())
        .bind(orders().map(|order| order.state().as_str()).collect::<Vec<_>>())
        .bind(orders().map(|order| order.priority.as_str()).collect::<Vec<_>>())
        .bind(orders().map(|order| order.notified).collect::<Vec<_>>())
        .bind(orders().map(|order| signed(order.placed_at_us)).collect::<Vec<_>>())
        .bind(orders().map(|order| signed(order.updated_at_us)).collect::<Vec<_>>())
        .bind(
            orders()
                .map(|order| order.charge_id.as_ref().map(|id| id.as_str().to_owned()))
                .collect::<Vec<_>>(),
        )
        .bind(orders().map(|order| order.reason.as_deref().map(text)).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| row.try_get(0)).collect()
}
