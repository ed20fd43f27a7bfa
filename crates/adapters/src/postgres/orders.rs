//! Orders and their outbox in PostgreSQL.

mod apply;
mod insert;
mod outbox;
mod row;

use std::collections::BTreeMap;

use async_trait::async_trait;
use domain::{Message, Order, OrderEvent, OrderId, OrderState, OrderStore, StoreError};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgRow};
use sqlx::{Arguments as _, Row as _};

use self::apply::Apply;
use self::insert::Insert;
pub(super) use self::row::{signed, state, text, unsigned};
use super::database::{Postgres, unreadable};
use super::error::Failure;
use super::lane::Lane;

/// An [`OrderStore`] and its [`Outbox`](domain::Outbox) in a schema of orders. See [`crate::postgres`].
#[derive(Debug)]
pub struct PostgresOrders {
    inserts: Lane<Insert>,
    events: Lane<Apply>,
}

impl PostgresOrders {
    /// The orders in this part of a database.
    #[must_use]
    pub fn new(database: &Postgres) -> Self {
        Self { inserts: Lane::new(database), events: Lane::new(database) }
    }

    async fn rows(
        &self,
        sql: &'static str,
        arguments: impl Fn(&mut PgArguments) -> Result<(), BoxDynError> + Send,
    ) -> Result<Vec<PgRow>, Failure> {
        self.database().rows(sql, arguments).await
    }

    const fn database(&self) -> &Postgres {
        self.inserts.database()
    }
}

#[async_trait]
impl OrderStore for PostgresOrders {
    async fn insert_with(&self, order: Order, messages: Vec<Message>) -> Result<(), StoreError> {
        self.inserts.submit(Insert { order, messages }).await?
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(self.database().check().await?)
    }

    async fn get(&self, id: &OrderId) -> Result<Option<Order>, StoreError> {
        let rows = self
            .rows("SELECT * FROM orders WHERE order_id = $1", |arguments| arguments.add(id.as_str()))
            .await?;
        Ok(self::orders(&rows)?.pop())
    }

    async fn apply(&self, id: &OrderId, event: OrderEvent, at_us: u64) -> Result<Order, StoreError> {
        self.events.submit(Apply { id: id.clone(), event, at_us }).await?
    }

    async fn totals(&self) -> Result<BTreeMap<OrderState, u64>, StoreError> {
        let rows = self.rows("SELECT state, count(*) FROM orders GROUP BY state", |_none| Ok(())).await?;
        let total = |row: &PgRow| Ok((row::state(row.try_get(0)?)?, row::unsigned(row.try_get(1)?)));
        Ok(rows.iter().map(total).collect::<Result<_, _>>().map_err(unreadable)?)
    }

    async fn unfinished(&self, before_us: u64, limit: usize) -> Result<Vec<Order>, StoreError> {
        let oldest = "SELECT * FROM orders WHERE state IN ('placed', 'paying') AND updated_at_us < $1
                      ORDER BY updated_at_us, order_id LIMIT $2";
        let rows = self
            .rows(oldest, |arguments| {
                arguments.add(row::signed(before_us))?;
                arguments.add(i64::try_from(limit).unwrap_or(i64::MAX))
            })
            .await?;
        Ok(self::orders(&rows)?)
    }

    async fn unfinished_total(&self) -> Result<u64, StoreError> {
        let total = "SELECT count(*) FROM orders WHERE state IN ('placed', 'paying')";
        let rows = self.rows(total, |_none| Ok(())).await?;
        let total = rows.first().ok_or(sqlx::Error::RowNotFound).and_then(|row| row.try_get(0));
        Ok(row::unsigned(total.map_err(unreadable)?))
    }

    async fn all(&self) -> Result<Vec<Order>, StoreError> {
        let rows = self.rows("SELECT * FROM orders ORDER BY order_id", |_none| Ok(())).await?;
        Ok(self::orders(&rows)?)
    }
}

fn orders(rows: &[PgRow]) -> Result<Vec<Order>, Failure> {
    rows.iter().map(row::order).collect::<Result<_, _>>().map_err(unreadable)
}
