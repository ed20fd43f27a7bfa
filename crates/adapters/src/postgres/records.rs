//! Idempotency records in PostgreSQL.
//!
//! What a record says to who asks is [`Record`]'s rule. A statement decides the only cases that write (the key is
//! free, over, or the claim's own; the claim holds it in flight), atomically; everything else is read and put to
//! the rule.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use resilience::idempotency::policy::{Record, RecordState};
use resilience::idempotency::{
    Answer, Ask, Beginning, Claim, Completion, Fingerprint, IdempotencyRecords, Key, RecordsError,
};
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{Arguments as _, Row as _};

use super::database::{Postgres, unreadable};
use super::lane::{Lane, Write};

/// [`IdempotencyRecords`] in a schema of either kind. See [`crate::postgres`].
#[derive(Debug)]
pub struct PostgresRecords {
    begins: Lane<Begin>,
    completions: Lane<Complete>,
    abandons: Lane<Abandon>,
    /// As long as it is, what is over is swept away.
    #[expect(dead_code, reason = "it is only looked at whether it is still there")]
    alive: Arc<()>,
}

/// How often what is over is swept away …
const SWEEP_EVERY: Duration = Duration::from_secs(30);

/// … which is so long after it is over: who was late may still complete, and clocks differ.
const SWEPT_AFTER: Duration = Duration::from_secs(600);

/// How many records one statement sweeps away, so that none takes long.
const SWEEP_MAX: i64 = 5_000;

/// A table grows for ever that nobody sweeps. Ends soon after the records that it sweeps.
async fn sweep(database: Postgres, alive: Weak<()>) {
    let sweep = "DELETE FROM idempotency WHERE (scope, key) IN
                 (SELECT scope, key FROM idempotency WHERE until_ns <= $1 ORDER BY until_ns LIMIT $2) RETURNING 1";
    while alive.strong_count() > 0 {
        tokio::time::sleep(SWEEP_EVERY).await;
        let until = nanos(database.node().elapsed().saturating_sub(SWEPT_AFTER));
        let arguments = |arguments: &mut PgArguments| {
            arguments.add(until)?;
            arguments.add(SWEEP_MAX)
        };
        // Without the database: another time.
        while database.rows(sweep, arguments).await.is_ok_and(|swept| swept.len() == SWEEP_MAX as usize) {}
    }
}

/// Who loses a race looks again, and then mostly finds who won it.
const ROUNDS_MAX: usize = 8;

impl PostgresRecords {
    /// The records in this part of a database.
    #[must_use]
    pub fn new(database: &Postgres) -> Self {
        let alive = Arc::new(());
        database.node().spawn(sweep(database.clone(), Arc::downgrade(&alive)));
        Self {
            alive,
            begins: Lane::new(database),
            completions: Lane::new(database),
            abandons: Lane::new(database),
        }
    }
}

#[async_trait]
impl IdempotencyRecords for PostgresRecords {
    async fn begin(&self, ask: &Ask) -> Result<Beginning, RecordsError> {
        Ok(self.begins.submit(Begin { subject: subject(&ask.key), ask: ask.clone() }).await?)
    }

    async fn complete(
        &self,
        key: &Key,
        claim: Claim,
        answer: &Answer,
        keep_until: Duration,
    ) -> Result<Completion, RecordsError> {
        let (key, answer) = (key.clone(), answer.clone());
        Ok(self
            .completions
            .submit(Complete { subject: subject(&key), key, claim, answer, keep_until })
            .await?)
    }

    async fn abandon(&self, key: &Key, claim: Claim) -> Result<bool, RecordsError> {
        Ok(self.abandons.submit(Abandon { subject: subject(key), key: key.clone(), claim }).await?)
    }

    async fn expire(&self, now: Duration) -> Result<usize, RecordsError> {
        // Whoever does it twice forgets the same.
        let expire = "WITH over AS (DELETE FROM idempotency WHERE until_ns <= $1 RETURNING 1) SELECT count(*) FROM over";
        let rows = self.begins.database().rows(expire, |arguments| arguments.add(nanos(now))).await?;
        let expired = rows.first().ok_or(sqlx::Error::RowNotFound).and_then(|row| row.try_get::<i64, _>(0));
        let expired = expired.map_err(unreadable)?;
        Ok(usize::try_from(expired).unwrap_or(usize::MAX))
    }
}

fn subject(key: &Key) -> Vec<u8> {
    joined(key.scope().as_bytes(), key.text().as_bytes())
}

/// A call that wants to run.
struct Begin {
    subject: Vec<u8>,
    ask: Ask,
}

/// Whoever gets the key is returned. Times are the callers' own, so that a record is over by their clocks and not by
/// the server's.
const BEGIN: &str = "
    INSERT INTO idempotency AS r (scope, key, fingerprint, owner, number, begun_ns, until_ns)
    SELECT * FROM UNNEST($1::bytea[], $2::bytea[], $3::bytea[], $4::bigint[], $5::bigint[], $6::bigint[], $7::bigint[])
    ON CONFLICT (scope, key) DO UPDATE
    SET fingerprint = EXCLUDED.fingerprint, owner = EXCLUDED.owner, number = EXCLUDED.number,
        begun_ns = EXCLUDED.begun_ns, until_ns = EXCLUDED.until_ns, answer = NULL
    WHERE r.until_ns <= EXCLUDED.begun_ns
       OR r.answer IS NULL AND r.fingerprint = EXCLUDED.fingerprint AND r.owner = EXCLUDED.owner
          AND r.number = EXCLUDED.number
    RETURNING scope, key";

impl Write for Begin {
    type Reply = Beginning;

    fn subject(&self) -> &[u8] {
        &self.subject
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<Self::Reply>, sqlx::Error> {
        let mut said: BTreeMap<&[u8], Beginning> = BTreeMap::new();
        let mut open: Vec<&Self> = batch.iter().collect();
        for _ in 0..ROUNDS_MAX {
            let begun = begin(connection, &open).await?;
            open.retain(|call| {
                let is_begun = begun.contains(&call.subject);
                if is_begun {
                    said.insert(&call.subject, Beginning::Begun);
                }
                !is_begun
            });
            if open.is_empty() {
                break;
            }
            let found = look(connection, open.iter().map(|call| &call.ask.key)).await?;
            open.retain(|call| match Record::begin(found.get(&call.subject), &call.ask) {
                (beginning, None) => {
                    said.insert(&call.subject, beginning);
                    false
                }
                // It is gone meanwhile: another round.
                (_, Some(_)) => true,
            });
            if open.is_empty() {
                break;
            }
        }
        answers(batch, &mut said)
    }
}

async fn begin(connection: &mut PgConnection, calls: &[&Begin]) -> Result<BTreeSet<Vec<u8>>, sqlx::Error> {
    let asks = || calls.iter().map(|call| &call.ask);
    let rows = sqlx::query(BEGIN)
        .bind(asks().map(|ask| ask.key.scope().as_bytes()).collect::<Vec<_>>())
        .bind(asks().map(|ask| ask.key.text().as_bytes()).collect::<Vec<_>>())
        .bind(asks().map(|ask| ask.fingerprint.0.to_be_bytes().to_vec()).collect::<Vec<_>>())
        .bind(asks().map(|ask| ask.claim.owner.cast_signed()).collect::<Vec<_>>())
        .bind(asks().map(|ask| ask.claim.number.cast_signed()).collect::<Vec<_>>())
        .bind(asks().map(|ask| nanos(ask.now)).collect::<Vec<_>>())
        .bind(asks().map(|ask| nanos(ask.lease_until)).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    subjects(&rows)
}

/// An answer to be stored.
struct Complete {
    subject: Vec<u8>,
    key: Key,
    claim: Claim,
    answer: Answer,
    keep_until: Duration,
}

const COMPLETE: &str = "
    UPDATE idempotency AS r SET answer = c.answer, until_ns = c.until_ns
    FROM UNNEST($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[], $5::bytea[], $6::bigint[])
         AS c (scope, key, owner, number, answer, until_ns)
    WHERE r.scope = c.scope AND r.key = c.key AND r.owner = c.owner AND r.number = c.number AND r.answer IS NULL
    RETURNING r.scope, r.key";

impl Write for Complete {
    type Reply = Completion;

    fn subject(&self) -> &[u8] {
        &self.subject
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<Self::Reply>, sqlx::Error> {
        let rows = sqlx::query(COMPLETE)
            .bind(batch.iter().map(|call| call.key.scope().as_bytes()).collect::<Vec<_>>())
            .bind(batch.iter().map(|call| call.key.text().as_bytes()).collect::<Vec<_>>())
            .bind(batch.iter().map(|call| call.claim.owner.cast_signed()).collect::<Vec<_>>())
            .bind(batch.iter().map(|call| call.claim.number.cast_signed()).collect::<Vec<_>>())
            .bind(batch.iter().map(|call| &*call.answer.0).collect::<Vec<_>>())
            .bind(batch.iter().map(|call| nanos(call.keep_until)).collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await?;
        let stored = subjects(&rows)?;
        let others: Vec<&Self> = batch.iter().filter(|call| !stored.contains(&call.subject)).collect();
        let found = look(connection, others.iter().map(|call| &call.key)).await?;
        let said = batch.iter().map(|call| {
            if stored.contains(&call.subject) {
                return Completion::Stored;
            }
            Record::complete(found.get(&call.subject), call.claim, &call.answer, call.keep_until).0
        });
        Ok(said.collect())
    }
}

/// A key to be freed.
struct Abandon {
    subject: Vec<u8>,
    key: Key,
    claim: Claim,
}

const ABANDON: &str = "
    DELETE FROM idempotency AS r
    USING UNNEST($1::bytea[], $2::bytea[], $3::bigint[], $4::bigint[]) AS c (scope, key, owner, number)
    WHERE r.scope = c.scope AND r.key = c.key AND r.owner = c.owner AND r.number = c.number AND r.answer IS NULL
    RETURNING r.scope, r.key";

impl Write for Abandon {
    type Reply = bool;

    fn subject(&self) -> &[u8] {
        &self.subject
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<Self::Reply>, sqlx::Error> {
        let rows = sqlx::query(ABANDON)
            .bind(batch.iter().map(|call| call.key.scope().as_bytes()).collect::<Vec<_>>())
            .bind(batch.iter().map(|call| call.key.text().as_bytes()).collect::<Vec<_>>())
            .bind(batch.iter().map(|call| call.claim.owner.cast_signed()).collect::<Vec<_>>())
            .bind(batch.iter().map(|call| call.claim.number.cast_signed()).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
        let freed = subjects(&rows)?;
        Ok(batch.iter().map(|call| freed.contains(&call.subject)).collect())
    }
}

const LOOK: &str = "
    SELECT r.* FROM idempotency AS r
    JOIN UNNEST($1::bytea[], $2::bytea[]) AS k (scope, key) ON r.scope = k.scope AND r.key = k.key";

async fn look(
    connection: &mut PgConnection,
    keys: impl Iterator<Item = &Key> + Clone,
) -> Result<BTreeMap<Vec<u8>, Record>, sqlx::Error> {
    let rows = sqlx::query(LOOK)
        .bind(keys.clone().map(|key| key.scope().as_bytes()).collect::<Vec<_>>())
        .bind(keys.map(|key| key.text().as_bytes()).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    rows.iter().map(|row| Ok((subject_of(row)?, record(row)?))).collect()
}

fn record(row: &PgRow) -> Result<Record, sqlx::Error> {
    let fingerprint: [u8; 16] = row
        .try_get::<&[u8], _>("fingerprint")?
        .try_into()
        .map_err(|error: std::array::TryFromSliceError| sqlx::Error::Decode(error.into()))?;
    let [owner, number]: [i64; 2] = [row.try_get("owner")?, row.try_get("number")?];
    let until: i64 = row.try_get("until_ns")?;
    let answer: Option<Vec<u8>> = row.try_get("answer")?;
    Ok(Record {
        fingerprint: Fingerprint(u128::from_be_bytes(fingerprint)),
        claim: Claim { owner: owner.cast_unsigned(), number: number.cast_unsigned() },
        until: Duration::from_nanos(u64::try_from(until).unwrap_or(0)),
        state: answer.map_or(RecordState::InFlight, |answer| RecordState::Completed(answer.into())),
    })
}

fn subjects(rows: &[PgRow]) -> Result<BTreeSet<Vec<u8>>, sqlx::Error> {
    rows.iter().map(subject_of).collect()
}

/// As [`subject`].
fn subject_of(row: &PgRow) -> Result<Vec<u8>, sqlx::Error> {
    Ok(joined(row.try_get("scope")?, row.try_get("key")?))
}

/// A scope has no end of its own in the bytes of both, so its length stands before it.
fn joined(scope: &[u8], text: &[u8]) -> Vec<u8> {
    let length = u16::try_from(scope.len()).expect("a scope has at most 255 bytes").to_be_bytes();
    [&length, scope, text].concat()
}

/// Since the epoch; enough for the next two centuries, and for ever after that.
fn nanos(time: Duration) -> i64 {
    i64::try_from(time.as_nanos()).unwrap_or(i64::MAX)
}

/// What was said, in the order of the calls.
fn answers(batch: &[Begin], said: &mut BTreeMap<&[u8], Beginning>) -> Result<Vec<Beginning>, sqlx::Error> {
    let answer = |call: &Begin| {
        said.remove(&*call.subject)
            .ok_or_else(|| sqlx::Error::Protocol("an idempotency record does not hold still".to_owned()))
    };
    batch.iter().map(answer).collect()
}
