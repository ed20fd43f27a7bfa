//! Charges and tombstones in PostgreSQL.
//!
//! Both are rows of one table, whose unique key stands between them: of a charge and a tombstone under one key, one
//! gets in.

use std::collections::{BTreeMap, BTreeSet};

use async_trait::async_trait;
use domain::{Charge, ChargeId, ChargeStore, Money, OrderId, StoreError, Voided};
use sqlx::error::BoxDynError;
use sqlx::postgres::{PgArguments, PgConnection, PgRow};
use sqlx::{Arguments as _, Row as _};

use super::database::{Postgres, unreadable};
use super::error::Failure;
use super::lane::{Lane, Write};

/// A [`ChargeStore`] in a schema of charges. See [`crate::postgres`].
#[derive(Debug)]
pub struct PostgresCharges {
    records: Lane<Record>,
    tombstones: Lane<Void>,
    refunds: Lane<Refund>,
}

impl PostgresCharges {
    /// The charges in this part of a database.
    #[must_use]
    pub fn new(database: &Postgres) -> Self {
        Self { records: Lane::new(database), tombstones: Lane::new(database), refunds: Lane::new(database) }
    }

    const fn database(&self) -> &Postgres {
        self.records.database()
    }

    async fn find(&self, key: &str) -> Result<Option<Charge>, Failure> {
        let rows = self.database().rows(FIND, |arguments| find_arguments(&[key], arguments)).await?;
        Ok(found(&rows, &[key]).map_err(unreadable)?.remove(key))
    }
}

#[async_trait]
impl ChargeStore for PostgresCharges {
    async fn record(&self, charge: Charge) -> Result<(), StoreError> {
        self.records.submit(Record { charge }).await?
    }

    async fn get(&self, key: &str) -> Result<Option<Charge>, StoreError> {
        Ok(self.find(key).await?)
    }

    async fn void(&self, key: &str) -> Result<Voided, StoreError> {
        // Too late, mostly, or else the tombstone decides: its insertion is the moment that counts.
        match self.find(key).await? {
            Some(charge) => Ok(Voided::AlreadyCharged(charge)),
            None => Ok(self.tombstones.submit(Void { key: key.to_owned() }).await?),
        }
    }

    async fn refund(&self, key: &str, at_us: u64) -> Result<Charge, StoreError> {
        self.refunds.submit(Refund { key: key.to_owned(), at_us }).await?
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(self.database().check().await?)
    }

    async fn all(&self) -> Result<Vec<Charge>, StoreError> {
        let all = "SELECT * FROM charges WHERE charge_id IS NOT NULL ORDER BY charge_id";
        let rows = self.database().rows(all, |_none| Ok(())).await?;
        Ok(rows.iter().map(charge).collect::<Result<_, _>>().map_err(unreadable)?)
    }
}

/// A charge that succeeded.
struct Record {
    charge: Charge,
}

/// A charge whose id or key is taken is left out, and so is missing from what is returned.
const RECORD: &str = "
    INSERT INTO charges (charge_id, key, order_id, amount_minor, at_us, refunded_at_us)
    SELECT * FROM UNNEST($1::text[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[], $6::bigint[])
    ON CONFLICT DO NOTHING
    RETURNING charge_id";

/// What it is that is taken.
const TAKEN: &str = "
    SELECT charge_id, key FROM charges WHERE charge_id = ANY($1::text[]) OR key = ANY($2::bytea[])";

impl Write for Record {
    type Reply = Result<(), StoreError>;

    fn subject(&self) -> &[u8] {
        self.charge.key.as_deref().unwrap_or(self.charge.id.as_str()).as_bytes()
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<Self::Reply>, sqlx::Error> {
        let charges = || batch.iter().map(|record| &record.charge);
        let rows = sqlx::query(RECORD)
            .bind(charges().map(|charge| charge.id.as_str()).collect::<Vec<_>>())
            .bind(charges().map(|charge| charge.key.as_deref().map(str::as_bytes)).collect::<Vec<_>>())
            .bind(charges().map(|charge| charge.order_id.as_str()).collect::<Vec<_>>())
            .bind(charges().map(|charge| signed(charge.amount.minor())).collect::<Vec<_>>())
            .bind(charges().map(|charge| signed(charge.at_us)).collect::<Vec<_>>())
            .bind(charges().map(|charge| charge.refunded_at_us.map(signed)).collect::<Vec<_>>())
            .fetch_all(&mut *connection)
            .await?;
        let mut recorded =
            rows.iter().map(|row| row.try_get::<&str, _>(0)).collect::<Result<BTreeSet<_>, _>>()?;
        let mut said: Vec<Option<Self::Reply>> =
            charges().map(|charge| recorded.remove(charge.id.as_str()).then_some(Ok(()))).collect();
        let refused: Vec<&Charge> =
            charges().zip(&said).filter(|(_, said)| said.is_none()).map(|(charge, _)| charge).collect();
        if !refused.is_empty() {
            let (ids, keys) = taken(connection, &refused).await?;
            for (charge, said) in charges().zip(&mut said) {
                said.get_or_insert_with(|| Err(refusal(charge, &ids, &keys)));
            }
        }
        Ok(said.into_iter().flatten().collect())
    }
}

/// Ids of charges, and keys with whether a charge has them (or a tombstone).
async fn taken(
    connection: &mut PgConnection,
    charges: &[&Charge],
) -> Result<(BTreeSet<String>, BTreeMap<Vec<u8>, bool>), sqlx::Error> {
    let rows = sqlx::query(TAKEN)
        .bind(charges.iter().map(|charge| charge.id.as_str()).collect::<Vec<_>>())
        .bind(charges.iter().filter_map(|charge| Some(charge.key.as_deref()?.as_bytes())).collect::<Vec<_>>())
        .fetch_all(connection)
        .await?;
    let (mut ids, mut keys) = (BTreeSet::new(), BTreeMap::new());
    for row in &rows {
        let id: Option<String> = row.try_get("charge_id")?;
        if let Some(key) = row.try_get::<Option<Vec<u8>>, _>("key")? {
            keys.insert(key, id.is_some());
        }
        ids.extend(id);
    }
    Ok((ids, keys))
}

fn refusal(charge: &Charge, ids: &BTreeSet<String>, keys: &BTreeMap<Vec<u8>, bool>) -> StoreError {
    let key = charge.key.as_deref();
    match key.and_then(|key| Some((key, *keys.get(key.as_bytes())?))) {
        Some((key, is_charged)) if !ids.contains(charge.id.as_str()) => {
            if is_charged {
                StoreError::Exists { id: key.to_owned() }
            } else {
                StoreError::Voided { key: key.to_owned() }
            }
        }
        _ => StoreError::Exists { id: charge.id.to_string() },
    }
}

/// A key under which nothing was charged yet.
struct Void {
    key: String,
}

impl Write for Void {
    type Reply = Voided;

    fn subject(&self) -> &[u8] {
        self.key.as_bytes()
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<Self::Reply>, sqlx::Error> {
        let keys: Vec<&str> = batch.iter().map(|void| &*void.key).collect();
        sqlx::query("INSERT INTO charges (key) SELECT * FROM UNNEST($1::bytea[]) ON CONFLICT DO NOTHING")
            .bind(keys.iter().map(|key| key.as_bytes()).collect::<Vec<_>>())
            .execute(&mut *connection)
            .await?;
        let mut found = find(connection, &keys).await?;
        let said =
            keys.iter().map(|key| found.remove(*key).map_or(Voided::Tombstone, Voided::AlreadyCharged));
        Ok(said.collect())
    }
}

/// Money to be given back.
struct Refund {
    key: String,
    at_us: u64,
}

/// The first time stays.
const REFUND: &str = "
    UPDATE charges AS c SET refunded_at_us = COALESCE(c.refunded_at_us, r.at_us)
    FROM UNNEST($1::text[], $2::bigint[]) AS r (charge_id, at_us)
    WHERE c.charge_id = r.charge_id
    RETURNING c.*";

impl Write for Refund {
    type Reply = Result<Charge, StoreError>;

    fn subject(&self) -> &[u8] {
        self.key.as_bytes()
    }

    async fn write(connection: &mut PgConnection, batch: &[Self]) -> Result<Vec<Self::Reply>, sqlx::Error> {
        let keys: Vec<&str> = batch.iter().map(|refund| &*refund.key).collect();
        let found = find(connection, &keys).await?;
        // By its id and by its key it may be in here twice.
        let mut times: BTreeMap<&str, u64> = BTreeMap::new();
        for refund in batch {
            if let Some(charge) = found.get(&refund.key) {
                let first = times.entry(charge.id.as_str()).or_insert(refund.at_us);
                *first = refund.at_us.min(*first);
            }
        }
        let rows = sqlx::query(REFUND)
            .bind(times.keys().copied().collect::<Vec<_>>())
            .bind(times.values().map(|at_us| signed(*at_us)).collect::<Vec<_>>())
            .fetch_all(connection)
            .await?;
        let refunded = rows
            .iter()
            .map(|row| charge(row).map(|charge| (charge.id.clone(), charge)))
            .collect::<Result<BTreeMap<_, _>, _>>()?;
        let said = batch.iter().map(|refund| {
            let charge = found.get(&refund.key).and_then(|charge| refunded.get(&charge.id));
            charge.cloned().ok_or_else(|| StoreError::NotFound { id: refund.key.clone() })
        });
        Ok(said.collect())
    }
}

/// The charges of these ids or keys.
const FIND: &str = "
    SELECT * FROM charges
    WHERE charge_id IS NOT NULL AND (charge_id = ANY($1::text[]) OR key = ANY($2::bytea[]))";

fn find_arguments(names: &[&str], arguments: &mut PgArguments) -> Result<(), BoxDynError> {
    // What cannot be an id (and may not be a text to PostgreSQL either) is not looked for as one.
    arguments.add(names.iter().copied().filter(|name| ChargeId::new(name).is_ok()).collect::<Vec<_>>())?;
    arguments.add(names.iter().map(|name| name.as_bytes()).collect::<Vec<_>>())
}

async fn find(
    connection: &mut PgConnection,
    names: &[&str],
) -> Result<BTreeMap<String, Charge>, sqlx::Error> {
    let mut arguments = PgArguments::default();
    find_arguments(names, &mut arguments).map_err(sqlx::Error::Encode)?;
    found(&sqlx::query_with(FIND, arguments).fetch_all(connection).await?, names)
}

/// The charge of each name that has one: the charge with this id, or else with this key.
fn found(rows: &[PgRow], names: &[&str]) -> Result<BTreeMap<String, Charge>, sqlx::Error> {
    let (mut by_id, mut by_key) = (BTreeMap::new(), BTreeMap::new());
    for row in rows {
        let charge = charge(row)?;
        if let Some(key) = &charge.key {
            by_key.insert(key.clone(), charge.clone());
        }
        by_id.insert(charge.id.to_string(), charge);
    }
    let found = names.iter().filter_map(|name| {
        let charge = by_id.get(*name).or_else(|| by_key.get(*name))?;
        Some(((*name).to_owned(), charge.clone()))
    });
    Ok(found.collect())
}

fn charge(row: &PgRow) -> Result<Charge, sqlx::Error> {
    fn decode(error: impl std::error::Error + Send + Sync + 'static) -> sqlx::Error {
        sqlx::Error::Decode(error.into())
    }
    let key: Option<Vec<u8>> = row.try_get("key")?;
    Ok(Charge {
        id: ChargeId::new(row.try_get::<&str, _>("charge_id")?).map_err(decode)?,
        order_id: OrderId::new(row.try_get::<&str, _>("order_id")?).map_err(decode)?,
        key: key.map(String::from_utf8).transpose().map_err(decode)?,
        amount: Money::from_minor(unsigned(row.try_get("amount_minor")?)).map_err(decode)?,
        at_us: unsigned(row.try_get("at_us")?),
        refunded_at_us: row.try_get::<Option<i64>, _>("refunded_at_us")?.map(unsigned),
    })
}

fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or(0)
}
