//! Messages that were committed together with orders.
//!
//! A sequence is drawn before its transaction commits, so of two transactions at once the higher one may be seen
//! first, and a reader that has gone past it would never see the lower. Therefore transactions with messages
//! follow one another, by a lock that each holds until it is committed ([`FIRST`]). Batches make up for that.

use async_trait::async_trait;
use domain::{Effect, EventId, Message, Outbox, OutboxMessage, StoreError};
use sqlx::postgres::{PgConnection, PgRow};
use sqlx::{Arguments as _, Row as _};

use super::PostgresOrders;
use super::insert::Insert;
use super::row::{signed, unsigned};
use crate::postgres::database::unreadable;
use crate::postgres::error::Failure;

/// Begins a transaction in which sequences may be drawn. Everybody who uses this schema waits for each other here.
pub(super) const FIRST: &str =
    "BEGIN; SELECT pg_advisory_xact_lock(hashtextextended('outbox of ' || current_schema(), 0))";

/// Messages in the order of the calls, and of the messages in each.
const PUT: &str = "
    INSERT INTO outbox (event_id, topic, key, payload, at_us)
    SELECT m.event_id, m.topic, m.key, m.payload, m.at_us
    FROM UNNEST($1::text[], $2::text[], $3::bytea[], $4::bytea[], $5::bigint[])
         WITH ORDINALITY AS m (event_id, topic, key, payload, at_us, place)
    ORDER BY m.place";

/// Puts the messages of calls into the outbox.
pub(super) async fn put(connection: &mut PgConnection, calls: &[&Insert]) -> Result<(), sqlx::Error> {
    let messages = || calls.iter().flat_map(|call| &call.messages);
    sqlx::query(PUT)
        .bind(messages().map(|message| message.event_id.as_str()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.topic.as_str()).collect::<Vec<_>>())
        .bind(messages().map(|message| message.key.as_bytes()).collect::<Vec<_>>())
        .bind(messages().map(|message| &*message.payload).collect::<Vec<_>>())
        .bind(messages().map(|message| signed(message.at_us)).collect::<Vec<_>>())
        .execute(connection)
        .await?;
    Ok(())
}

#[async_trait]
impl Outbox for PostgresOrders {
    async fn pending(&self, after: u64, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        let pending = "SELECT * FROM outbox WHERE sequence > $1 ORDER BY sequence LIMIT $2";
        let rows = self
            .rows(pending, |arguments| {
                arguments.add(signed(after))?;
                arguments.add(i64::try_from(limit).unwrap_or(i64::MAX))
            })
            .await?;
        Ok(rows.iter().map(message).collect::<Result<_, _>>().map_err(unreadable)?)
    }

    async fn mark_sent(&self, sequences: &[u64]) -> Result<(), StoreError> {
        let sequences: Vec<i64> = sequences.iter().map(|sequence| signed(*sequence)).collect();
        let sent = "DELETE FROM outbox WHERE sequence = ANY($1::bigint[])";
        let deleted = self.rows(sent, |arguments| arguments.add(&sequences)).await;
        // Perhaps they are deleted: to say it again does no harm.
        deleted.map_err(|failure| Failure { effect: Effect::Unknown, ..failure })?;
        Ok(())
    }

    async fn pending_total(&self) -> Result<u64, StoreError> {
        let rows = self.rows("SELECT count(*) FROM outbox", |_none| Ok(())).await?;
        let total = rows.first().ok_or(sqlx::Error::RowNotFound).and_then(|row| row.try_get(0));
        Ok(unsigned(total.map_err(unreadable)?))
    }
}

fn message(row: &PgRow) -> Result<OutboxMessage, sqlx::Error> {
    let decode = |error: Box<dyn std::error::Error + Send + Sync>| sqlx::Error::Decode(error);
    let event_id = EventId::new(row.try_get::<&str, _>("event_id")?).map_err(|error| decode(error.into()))?;
    let key = String::from_utf8(row.try_get("key")?).map_err(|error| decode(error.into()))?;
    let message = Message {
        event_id,
        topic: row.try_get("topic")?,
        key,
        payload: row.try_get("payload")?,
        at_us: unsigned(row.try_get("at_us")?),
    };
    Ok(OutboxMessage { sequence: unsigned(row.try_get("sequence")?), message })
}
