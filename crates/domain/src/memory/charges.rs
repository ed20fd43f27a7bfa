//! Charges in memory.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use crate::charge::{Charge, Voided};
use crate::ids::ChargeId;
use crate::ports::{ChargeStore, StoreError};

/// A [`ChargeStore`] in memory. See [`crate::memory`] for what survives what.
#[derive(Debug, Default)]
pub struct MemoryCharges {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    charges: BTreeMap<ChargeId, Charge>,
    /// Which charge has which idempotency key.
    by_key: BTreeMap<String, ChargeId>,
    /// Tombstones: under these keys nothing may be charged any more.
    voided: BTreeSet<String>,
}

impl Inner {
    /// The id of the charge with this id, or else with this idempotency key.
    fn find(&self, key: &str) -> Option<ChargeId> {
        let by_id = ChargeId::new(key).ok().filter(|id| self.charges.contains_key(id));
        by_id.or_else(|| self.by_key.get(key).cloned())
    }
}

impl MemoryCharges {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().expect("nothing panics while it holds this lock")
    }
}

#[async_trait]
impl ChargeStore for MemoryCharges {
    async fn record(&self, charge: Charge) -> Result<(), StoreError> {
        let mut inner = self.lock();
        if inner.charges.contains_key(&charge.id) {
            return Err(StoreError::Exists { id: charge.id.to_string() });
        }
        if let Some(key) = &charge.key {
            if inner.voided.contains(key) {
                return Err(StoreError::Voided { key: key.clone() });
            }
            if inner.by_key.contains_key(key) {
                return Err(StoreError::Exists { id: key.clone() });
            }
            inner.by_key.insert(key.clone(), charge.id.clone());
        }
        inner.charges.insert(charge.id.clone(), charge);
        Ok(())
    }

    async fn get(&self, key: &str) -> Result<Option<Charge>, StoreError> {
        let inner = self.lock();
        Ok(inner.find(key).and_then(|id| inner.charges.get(&id).cloned()))
    }

    async fn void(&self, key: &str) -> Result<Voided, StoreError> {
        let mut inner = self.lock();
        if let Some(charge) = inner.find(key).and_then(|id| inner.charges.get(&id).cloned()) {
            return Ok(Voided::AlreadyCharged(charge));
        }
        inner.voided.insert(key.to_owned());
        Ok(Voided::Tombstone)
    }

    async fn refund(&self, key: &str, at_us: u64) -> Result<Charge, StoreError> {
        let mut inner = self.lock();
        let id = inner.find(key).ok_or_else(|| StoreError::NotFound { id: key.to_owned() })?;
        let charge = inner.charges.get_mut(&id).expect("an id that was found is there");
        charge.refunded_at_us.get_or_insert(at_us);
        Ok(charge.clone())
    }

    async fn all(&self) -> Result<Vec<Charge>, StoreError> {
        Ok(self.lock().charges.values().cloned().collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::contract;

    #[tokio::test]
    async fn keeps_the_contract_of_a_charge_store() {
        contract::charge_store(|| Arc::new(MemoryCharges::new())).await;
    }
}
