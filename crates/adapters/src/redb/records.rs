//! Idempotency keys: leases in memory, answers in the file. See the module above for why.
//!
//! What is over is swept: each stored answer pays for [`SWEPT_PER_ANSWER`] that go, so that the file holds what is
//! promised and little more. Beyond [`RECORDS_MAX`] the answers that would expire next are forgotten before their time.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;
use domain::StoreError;
use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use resilience::idempotency::policy::{Record, RecordState};
use resilience::idempotency::{
    Answer, Ask as Asking, Beginning, Claim, Completion, Fingerprint, IdempotencyRecords, Key, RecordsError,
};

use super::batch::Batch;
use super::fault::Fault;
use super::job::Ask;
use super::store::RedbStore;
use super::tables::RECORDS;

/// How many keys can be in flight at once.
const LEASES_MAX: usize = 200_000;
/// How many answers are kept.
const RECORDS_MAX: u64 = 5_000_000;
/// How many answers that are over go with each that comes.
const SWEPT_PER_ANSWER: usize = 4;
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
                let row = batch.records()?.get((key.text(), key.scope()))?;
                row.map(|row| record(row.value()))
            }
        };
        let (completion, record) = Record::complete(found.as_ref(), claim, &answer, keep_until);
        if let Some(record) = record {
            sweep(batch, now, SWEPT_PER_ANSWER)?;
            if batch.records()?.len()? >= RECORDS_MAX {
                remove_next(batch, None)?;
            }
            put(batch, &key, &record, &answer)?;
            batch.changes.completed.push((key, claim));
        }
        Ok(Ok(completion))
    }
}

/// Answers that are over by then are to go.
struct Sweep {
    now: Duration,
}

impl Ask for Sweep {
    type Answer = usize;

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<usize, StoreError>, Fault> {
        sweep(batch, self.now, SWEPT_AT_ONCE).map(Ok)
    }
}

fn sweep(batch: &mut Batch<'_>, now: Duration, at_most: usize) -> Result<usize, Fault> {
    let mut swept = 0;
    while swept < at_most && remove_next(batch, Some(now.as_nanos()))? {
        swept += 1;
    }
    Ok(swept)
}

/// Forgets the answer that is over next, if it is over by then.
fn remove_next(batch: &mut Batch<'_>, by: Option<u128>) -> Result<bool, Fault> {
    let next = batch.record_ends()?.first()?.map(|(end, _)| {
        let (until, text, scope) = end.value();
        (until, text.to_owned(), scope.to_owned())
    });
    let Some((until, text, scope)) = next.filter(|(until, ..)| by.is_none_or(|by| *until <= by)) else {
        return Ok(false);
    };
    batch.record_ends()?.remove((until, text.as_str(), scope.as_str()))?;
    batch.records()?.remove((text.as_str(), scope.as_str()))?;
    batch.changes.wrote = true;
    Ok(true)
}

fn put(batch: &mut Batch<'_>, key: &Key, record: &Record, answer: &Answer) -> Result<(), Fault> {
    let (name, until) = ((key.text(), key.scope()), record.until.as_nanos());
    let Claim { owner, number } = record.claim;
    let row = (record.fingerprint.0, owner, number, until, &*answer.0);
    let before = batch.records()?.insert(name, row)?.map(|before| before.value().3);
    if let Some(before) = before {
        batch.record_ends()?.remove((before, key.text(), key.scope()))?;
    }
    batch.record_ends()?.insert((until, key.text(), key.scope()), ())?;
    batch.changes.wrote = true;
    Ok(())
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

fn read(snapshot: &ReadTransaction, key: &Key) -> Result<Option<Record>, Fault> {
    let row = snapshot.open_table(RECORDS)?.get((key.text(), key.scope()))?;
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
            None => self.read(|snapshot| read(snapshot, &ask.key)).map_err(failed)?,
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
            let swept = self.ask(Sweep { now }).await.map_err(failed)?;
            expired += swept;
            if swept < SWEPT_AT_ONCE {
                return Ok(expired);
            }
        }
    }
}
