//! Notices in PostgreSQL: written once, in one statement for many.

use std::collections::BTreeSet;

use async_trait::async_trait;
use domain::{CustomerId, EventId, Notice, NoticeStore, OrderId, StoreError};
use sqlx::Row as _;
use sqlx::postgres::{PgConnection, PgRow};

use super::database::{Postgres, unreadable};
use super::lane::{Lane, Write};
use super::orders::{signed, state, text, unsigned};

/// A [`NoticeStore`] in a schema of notices. See [`crate::postgres`].
#[derive(Debug)]
pub struct PostgresNotices {
    records: Lane<Record>,
}

impl PostgresNotices {
    /// The notices in this part of a database.
    #[must_use]
    pub fn new(database: &Postgres) -> Self {
        Self { records: Lane::new(database) }
    }
}

#[async_trait]
impl NoticeStore for PostgresNotices {
    async fn record(&self, notice: Notice) -> Result<bool, StoreError> {
        Ok(self.records.submit(Record { notice }).await?)
    }

    async fn all(&self) -> Result<Vec<Notice>, StoreError> {
        let all = "SELECT * FROM notices ORDER BY notice_id";
        let rows = self.records.database().rows(all, |_none| Ok(())).await?;
        Ok(rows.iter().map(notice).collect::<Result<_, _>>().map_err(unreadable)?)
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(self.records.database().check().await?)
    }
}

/// A notice to be written down.
struct Record {
    notice: Notice,
}

/// A notice that is there is left out, and so is missing from what is returned.
const RECORD: &str = "
    INSERT INTO notices (notice_id, order_id, customer_id, outcome, reason, at_us)
    SELECT * FROM UNNEST($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::bigint[])
    ON CONFLICT DO NOTHING
    RETURNING notice_id";

impl Write for Record {
    type Reply = bool;

    fn subject(&self) -> &[u8] {
        self.notice.id.as_str().as_bytes()
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<bool>, sqlx::Error> {
        let notices = || batch.iter().map(|record| &record.notice);
        let rows = sqlx::query(RECORD)
            .bind(notices().map(|notice| notice.id.as_str()).collect::<Vec<_>>())
            .bind(notices().map(|notice| notice.order_id.as_str()).collect::<Vec<_>>())
            .bind(notices().map(|notice| notice.customer_id.as_str()).collect::<Vec<_>>())
            .bind(notices().map(|notice| notice.outcome.as_str()).collect::<Vec<_>>())
            .bind(notices().map(|notice| notice.reason.as_deref().map(text)).collect::<Vec<_>>())
            .bind(notices().map(|notice| signed(notice.at_us)).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
        let new = rows.iter().map(|row| row.try_get::<&str, _>(0)).collect::<Result<BTreeSet<_>, _>>()?;
        Ok(notices().map(|notice| new.contains(notice.id.as_str())).collect())
    }
}

fn notice(row: &PgRow) -> Result<Notice, sqlx::Error> {
    let decode = |error: domain::InvalidId| sqlx::Error::Decode(error.into());
    Ok(Notice {
        id: EventId::new(row.try_get::<&str, _>("notice_id")?).map_err(decode)?,
        order_id: OrderId::new(row.try_get::<&str, _>("order_id")?).map_err(decode)?,
        customer_id: CustomerId::new(row.try_get::<&str, _>("customer_id")?).map_err(decode)?,
        outcome: state(row.try_get("outcome")?)?,
        reason: row.try_get("reason")?,
        at_us: unsigned(row.try_get("at_us")?),
    })
}
