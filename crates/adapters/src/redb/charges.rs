//! Charges, the keys they were made under, and the tombstones of keys under which none may be made.

use async_trait::async_trait;
use domain::{Charge, ChargeStore, StoreError, Voided};
use redb::{ReadTransaction, ReadableTable};

use super::batch::Batch;
use super::fault::Fault;
use super::job::Ask;
use super::store::RedbStore;
use super::tables::{CHARGE_KEYS, CHARGES};

fn charge(id: &str, json: &[u8]) -> Result<Charge, Fault> {
    serde_json::from_slice(json).map_err(|source| Fault::Unreadable { key: id.to_owned(), source })
}

fn put(batch: &mut Batch<'_>, charge: &Charge) -> Result<(), Fault> {
    let json = serde_json::to_vec(charge).expect("a charge has text keys only");
    batch.changes.wrote = true;
    batch.charges()?.insert(charge.id.as_str(), json.as_slice())?;
    Ok(())
}

/// The charge with this id, or else with this key.
fn find(batch: &mut Batch<'_>, key: &str) -> Result<Option<Charge>, Fault> {
    if let Some(json) = batch.charges()?.get(key)? {
        return charge(key, json.value()).map(Some);
    }
    let id = batch.charge_keys()?.get(key)?.map(|id| id.value().to_owned());
    let Some(id) = id else { return Ok(None) };
    let json = batch.charges()?.get(id.as_str())?;
    json.map(|json| charge(&id, json.value())).transpose()
}

fn read(snapshot: &ReadTransaction, key: &str) -> Result<Option<Charge>, Fault> {
    let charges = snapshot.open_table(CHARGES)?;
    if let Some(json) = charges.get(key)? {
        return charge(key, json.value()).map(Some);
    }
    let Some(id) = snapshot.open_table(CHARGE_KEYS)?.get(key)? else { return Ok(None) };
    let json = charges.get(id.value())?;
    json.map(|json| charge(id.value(), json.value())).transpose()
}

fn read_all(snapshot: &ReadTransaction) -> Result<Vec<Charge>, Fault> {
    let mut charges = Vec::new();
    for entry in snapshot.open_table(CHARGES)?.iter()? {
        let (id, json) = entry?;
        charges.push(charge(id.value(), json.value())?);
    }
    Ok(charges)
}

/// A charge that succeeded.
struct Record(Charge);

impl Ask for Record {
    type Answer = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<(), StoreError>, Fault> {
        let Self(charge) = self;
        if batch.charges()?.get(charge.id.as_str())?.is_some() {
            return Ok(Err(StoreError::Exists { id: charge.id.to_string() }));
        }
        if let Some(key) = &charge.key {
            if batch.voided()?.get(key.as_str())?.is_some() {
                return Ok(Err(StoreError::Voided { key: key.clone() }));
            }
            if batch.charge_keys()?.get(key.as_str())?.is_some() {
                return Ok(Err(StoreError::Exists { id: key.clone() }));
            }
            batch.charge_keys()?.insert(key.as_str(), charge.id.as_str())?;
        }
        put(batch, &charge).map(Ok)
    }
}

/// Nothing is to be charged under a key.
struct Void(String);

impl Ask for Void {
    type Answer = Voided;

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<Voided, StoreError>, Fault> {
        let Self(key) = self;
        if let Some(charge) = find(batch, &key)? {
            return Ok(Ok(Voided::AlreadyCharged(charge)));
        }
        if batch.voided()?.insert(key.as_str(), ())?.is_none() {
            batch.changes.wrote = true;
        }
        Ok(Ok(Voided::Tombstone))
    }
}

/// The money of a charge is given back.
struct Refund {
    key: String,
    at_us: u64,
}

impl Ask for Refund {
    type Answer = Charge;

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<Charge, StoreError>, Fault> {
        let Self { key, at_us } = self;
        let Some(mut charge) = find(batch, &key)? else { return Ok(Err(StoreError::NotFound { id: key })) };
        if charge.refunded_at_us.is_none() {
            charge.refunded_at_us = Some(at_us);
            put(batch, &charge)?;
        }
        Ok(Ok(charge))
    }
}

#[async_trait]
impl ChargeStore for RedbStore {
    async fn record(&self, charge: Charge) -> Result<(), StoreError> {
        self.ask(Record(charge)).await
    }

    async fn get(&self, key: &str) -> Result<Option<Charge>, StoreError> {
        self.read(|snapshot| read(snapshot, key))
    }

    async fn void(&self, key: &str) -> Result<Voided, StoreError> {
        self.ask(Void(key.to_owned())).await
    }

    async fn refund(&self, key: &str, at_us: u64) -> Result<Charge, StoreError> {
        self.ask(Refund { key: key.to_owned(), at_us }).await
    }

    async fn all(&self) -> Result<Vec<Charge>, StoreError> {
        self.read(read_all)
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.check_writing().await
    }
}
