//! Charges, the keys they were made under, and the tombstones of keys under which none may be made.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{Charge, ChargeId, ChargeStore, StoreError, Voided};
use redb::ReadableTable;

use super::batch::Batch;
use super::fault::Fault;
use super::job::Ask;
use super::orders;
use super::overlay::Bytes;
use super::row::Row;
use super::snapshot::Snapshot;
use super::store::RedbStore;
use super::view::Below;

fn charge(id: &str, json: &[u8]) -> Result<Charge, Fault> {
    serde_json::from_slice(json).map_err(|source| Fault::Unreadable { key: id.to_owned(), source })
}

fn put(batch: &mut Batch<'_>, charge: &Charge) {
    let json = serde_json::to_vec(charge).expect("a charge has text keys only").into();
    batch.put(Row::Charge { id: charge.id.as_str().into(), json });
}

fn charged(snapshot: &Snapshot, id: &str) -> Result<Option<Bytes>, Fault> {
    Ok(snapshot.charges.get(id)?.map(|json| json.value().into()))
}

/// The charge of a key.
fn keyed(snapshot: &Snapshot, key: &str) -> Result<Option<Arc<str>>, Fault> {
    Ok(snapshot.charge_keys.get(key)?.map(|id| id.value().into()))
}

fn is_voided(batch: &Batch<'_>, key: &str) -> Result<bool, Fault> {
    let is_there = batch.find(
        |overlay| overlay.voided.contains(key).then_some(()),
        |snapshot| Ok(snapshot.voided.get(key)?.map(|_| ())),
    )?;
    Ok(is_there.is_some())
}

fn by_id(batch: &Batch<'_>, id: &str) -> Result<Option<Bytes>, Fault> {
    batch.find(|overlay| overlay.charges.get(id).cloned(), |snapshot| charged(snapshot, id))
}

fn id_of(batch: &Batch<'_>, key: &str) -> Result<Option<Arc<str>>, Fault> {
    batch.find(|overlay| overlay.charge_keys.get(key).cloned(), |snapshot| keyed(snapshot, key))
}

/// The charge with this id, or else with this key.
fn find(batch: &Batch<'_>, key: &str) -> Result<Option<Charge>, Fault> {
    if let Some(json) = by_id(batch, key)? {
        return charge(key, &json).map(Some);
    }
    let Some(id) = id_of(batch, key)? else { return Ok(None) };
    by_id(batch, &id)?.map(|json| charge(&id, &json)).transpose()
}

/// Every charge, by id.
fn read_all(above: &BTreeMap<Arc<str>, Bytes>, below: &Below) -> Result<Vec<Charge>, Fault> {
    let mut charges = BTreeMap::new();
    for entry in below.snapshot.charges.iter()? {
        let (id, json) = entry?;
        charges.insert(Arc::from(id.value()), charge(id.value(), json.value())?);
    }
    let frozen = below.frozen.as_deref().map(|frozen| &frozen.overlay.charges);
    for (id, json) in frozen.into_iter().chain([above]).flatten() {
        charges.insert(Arc::clone(id), charge(id, json)?);
    }
    Ok(charges.into_values().collect())
}

/// Whether there is such a charge.
pub(super) fn exists(batch: &Batch<'_>, id: &ChargeId) -> Result<bool, Fault> {
    Ok(by_id(batch, id.as_str())?.is_some())
}

/// A charge that succeeded, without a key, of an order that is here. Its id was drawn: whether that is taken is not looked
/// up.
struct RecordDrawn(Charge);

impl Ask for RecordDrawn {
    type Answer = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<(), StoreError>, Fault> {
        let Self(charge) = self;
        if !orders::exists(batch, &charge.order_id)? {
            return Ok(Err(StoreError::NotFound { id: charge.order_id.to_string() }));
        }
        put(batch, &charge);
        Ok(Ok(()))
    }
}

/// A charge that succeeded.
struct Record(Charge);

impl Ask for Record {
    type Answer = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<(), StoreError>, Fault> {
        let Self(charge) = self;
        if exists(batch, &charge.id)? {
            return Ok(Err(StoreError::Exists { id: charge.id.to_string() }));
        }
        if let Some(key) = &charge.key {
            if is_voided(batch, key)? {
                return Ok(Err(StoreError::Voided { key: key.clone() }));
            }
            if id_of(batch, key)?.is_some() {
                return Ok(Err(StoreError::Exists { id: key.clone() }));
            }
            batch.put(Row::ChargeKey { key: key.as_str().into(), id: charge.id.as_str().into() });
        }
        put(batch, &charge);
        Ok(Ok(()))
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
        if !is_voided(batch, &key)? {
            batch.put(Row::Voided { key: key.into() });
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
            put(batch, &charge);
        }
        Ok(Ok(charge))
    }
}

#[async_trait]
impl ChargeStore for RedbStore {
    async fn record(&self, charge: Charge) -> Result<(), StoreError> {
        self.ask(Record(charge)).await
    }

    async fn record_ahead(&self, charge: Charge) -> Result<(), StoreError> {
        if self.has_both() { self.ask_ahead(RecordDrawn(charge)).await } else { self.record(charge).await }
    }

    async fn get(&self, key: &str) -> Result<Option<Charge>, StoreError> {
        let get = |id: &str| {
            let json =
                self.view().find(|overlay| overlay.charges.get(id).cloned(), |below| charged(below, id))?;
            json.map(|json| self.readable(charge(id, &json))).transpose()
        };
        if let Some(charge) = get(key)? {
            return Ok(Some(charge));
        }
        let id =
            self.view().find(|overlay| overlay.charge_keys.get(key).cloned(), |below| keyed(below, key))?;
        id.map_or(Ok(None), |id| get(&id))
    }

    async fn void(&self, key: &str) -> Result<Voided, StoreError> {
        self.ask(Void(key.to_owned())).await
    }

    async fn refund(&self, key: &str, at_us: u64) -> Result<Charge, StoreError> {
        self.ask(Refund { key: key.to_owned(), at_us }).await
    }

    async fn all(&self) -> Result<Vec<Charge>, StoreError> {
        let (above, below) = self.view().capture(|active| active.charges.clone())?;
        self.readable(read_all(&above, &below))
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.check_writing().await
    }
}
