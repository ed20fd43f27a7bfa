//! Keys of calls that were dropped before the records could be told.
//!
//! Dropping cannot wait, and telling the records may have to. So the key is remembered together with the
//! claim that it was begun under: the next call with that key goes on under the same claim, and the
//! records give it the key at once. The others are told by [`Shared::settle`], or wait for their lease.

use std::sync::Arc;

use super::{Shared, Table, Verdict};
use crate::idempotency::key::{Fingerprint, Key};
use crate::idempotency::records::{Answer, Claim, RecordsError};
use std::time::Duration;

/// What a dropped call left.
pub(super) struct Leftover {
    pub(super) claim: Claim,
    pub(super) fingerprint: Fingerprint,
    pub(super) kept: Option<Kept>,
}

/// An answer that is not known to be stored.
#[derive(Clone)]
pub(super) struct Kept {
    pub(super) answer: Answer,
    pub(super) until: Duration,
}

impl Table {
    /// Beyond the bound a key is left to its lease.
    pub(super) fn remember(&mut self, key: &Key, leftover: Leftover) {
        if self.leftovers.len() < self.settings.leftovers_max {
            self.leftovers.insert(key.clone(), leftover);
        }
    }
}

impl Shared {
    pub(in crate::idempotency) fn leftovers(&self) -> usize {
        self.lock().leftovers.len()
    }

    /// Tells the records of what was dropped. What comes meanwhile waits for it, like for a call.
    pub(in crate::idempotency) async fn settle(self: &Arc<Self>) -> Result<usize, RecordsError> {
        let keys: Vec<Key> = self.lock().leftovers.keys().cloned().collect();
        let mut settled = 0;
        for key in keys {
            let lead = {
                let mut table = self.lock();
                let Some(leftover) = table.leftovers.remove(&key) else { continue };
                let fingerprint = leftover.fingerprint;
                self.open(&mut table, key, fingerprint, Some(leftover))
            };
            match lead.settle().await {
                None => settled += 1,
                Some(Verdict::Failed(error)) => return Err(error),
                Some(_) => {}
            }
        }
        Ok(settled)
    }
}
