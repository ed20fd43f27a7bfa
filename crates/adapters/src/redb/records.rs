//! Idempotency keys: leases in memory, answers in the file. See the module above for why.
//!
//! What is over is swept: each stored answer pays for [`SWEPT_PER_ANSWER`] that go, so that the file holds what is
//! promised and little more. What is in memory only goes at once, the rest with the next checkpoint.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::StoreError;
use resilience::idempotency::policy::{Record, RecordState};
use resilience::idempotency::{
    Answer, Ask as Asking, Beginning, Claim, Completion, Fingerprint, IdempotencyRecords, Key, RecordsError,
};

use super::batch::Batch;
use super::checkpoint::Sweep;
use super::fault::Fault;
use super::job::Ask;
use super::row::Row;
use super::snapshot::Snapshot;
use super::store::RedbStore;

/// How many keys can be in flight at once.
const LEASES_MAX: usize = 200_000;
/// How many answers that are over go with each that comes.
pub(super) const SWEPT_PER_ANSWER: usize = 4;
/// How many go at once when somebody asks for it.
const SWEPT_AT_ONCE: usize = 1_000;

/// Keys in flight.
#[derive(Debug, Default)]
pub(super) struct Leases {
    inner: Mutex<Inner>,
}

#[derive(Debug, Default)]
struct Inner {
    leases: BTreeMap<Key, Record>,
    /// The latest time that anybody has told: what is over by then is over. No clock of ours is asked.
    latest: Duration,
}

impl Leases {
    /// Nothing panics under the lock but a reader of the file, and that changes nothing.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The latest time that anybody has told.
    pub(super) fn latest(&self) -> Duration {
        self.lock().latest
    }

    /// The answer is stored.
    pub(super) fn completed(&self, key: &Key, claim: Claim) {
        let leases = &mut self.lock().leases;
        if leases.get(key).is_some_and(|lease| lease.claim == claim) {
            leases.remove(key);
        }
    }
}

/// An answer is to be stored.
struct Complete {
    key: Key,
    claim: Claim,
    answer: Answer,
    keep_until: Duration,
}

impl Ask for Complete {
    type Answer = Completion;

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<Completion, StoreError>, Fault> {
        let Self { key, claim, answer, keep_until } = self;
        let (lease, now) = {
            let inner = batch.leases.lock();
            (inner.leases.get(&key).cloned(), inner.latest)
        };
        let found = match lease {
            Some(lease) => Some(lease),
            None => {
                batch.find(|overlay| overlay.records.get(&key).cloned(), |snapshot| stored(snapshot, &key))?
            }
        };
        let (completion, record) = Record::complete(found.as_ref(), claim, &answer, keep_until);
        if let Some(record) = record {
            batch.put(Row::Record { key: key.clone(), record });
            let (by, at_most) = batch.changes.forget;
            batch.changes.forget = (now.max(by), at_most + SWEPT_PER_ANSWER);
            batch.changes.completed.push((key, claim));
        }
        Ok(Ok(completion))
    }
}

/// A row as a record.
fn record((fingerprint, owner, number, until, answer): (u128, u64, u64, u128, &[u8])) -> Record {
    Record {
        fingerprint: Fingerprint(fingerprint),
        claim: Claim { owner, number },
        until: Duration::from_nanos_u128(until),
        state: RecordState::Completed(Answer(answer.into())),
    }
}

fn stored(snapshot: &Snapshot, key: &Key) -> Result<Option<Record>, Fault> {
    let row = snapshot.records.get((key.text(), key.scope()))?;
    Ok(row.map(|row| record(row.value())))
}

fn failed(error: StoreError) -> RecordsError {
    RecordsError::Unavailable { reason: error.to_string() }
}

#[async_trait]
impl IdempotencyRecords for RedbStore {
    async fn begin(&self, ask: &Asking) -> Result<Beginning, RecordsError> {
        let mut inner = self.leases().lock();
        inner.latest = inner.latest.max(ask.now);
        let leases = &mut inner.leases;
        // Under the lock: between the two looks nobody can begin, and a completion shows in the file first.
        let found = match leases.get(&ask.key) {
            Some(lease) => Some(lease.clone()),
            None => self
                .view()
                .find(|overlay| overlay.records.get(&ask.key).cloned(), |snapshot| stored(snapshot, &ask.key))
                .map_err(failed)?,
        };
        let (beginning, record) = Record::begin(found.as_ref(), ask);
        if let Some(record) = record {
            if leases.len() >= LEASES_MAX && !leases.contains_key(&ask.key) {
                leases.retain(|_, lease| !lease.is_expired(ask.now));
                if leases.len() >= LEASES_MAX {
                    return Err(RecordsError::Full { records_max: LEASES_MAX });
                }
            }
            leases.insert(ask.key.clone(), record);
        }
        Ok(beginning)
    }

    async fn complete(
        &self,
        key: &Key,
        claim: Claim,
        answer: &Answer,
        keep_until: Duration,
    ) -> Result<Completion, RecordsError> {
        let complete = Complete { key: key.clone(), claim, answer: answer.clone(), keep_until };
        self.ask(complete).await.map_err(failed)
    }

    async fn abandon(&self, key: &Key, claim: Claim) -> Result<bool, RecordsError> {
        let leases = &mut self.leases().lock().leases;
        let may = leases.get(key).is_some_and(|lease| lease.may_abandon(claim));
        if may {
            leases.remove(key);
        }
        Ok(may)
    }

    async fn expire(&self, now: Duration) -> Result<usize, RecordsError> {
        let mut expired = {
            let leases = &mut self.leases().lock().leases;
            let before = leases.len();
            leases.retain(|_, lease| !lease.is_expired(now));
            before - leases.len()
        };
        loop {
            let swept = self.sweep(Sweep { by: now, at_most: SWEPT_AT_ONCE }).await.map_err(failed)?;
            expired += swept;
            if swept < SWEPT_AT_ONCE {
                return Ok(expired);
            }
        }
    }
}
