//! Records in memory: for one process, and gone with it.
//!
//! Bounded by number. When a new key finds no room, what is over goes first, then the oldest completed
//! record (the one that would expire next), even before its time: then its duplicate would run again, so
//! the bound wants to be more than comes in during the promised expiry. What is in flight is never
//! forgotten; when nothing else is there, the newcomer gets [`RecordsError::Full`].

use std::collections::BTreeMap;
use std::num::NonZeroUsize;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use async_trait::async_trait;

use super::key::Key;
use super::policy::{Record, RecordState};
use super::records::{Answer, Ask, Beginning, Claim, Completion, IdempotencyRecords, RecordsError};

/// [`IdempotencyRecords`] in memory. See the module for its bound.
#[derive(Debug)]
pub struct MemoryRecords {
    inner: Mutex<Inner>,
    records_max: NonZeroUsize,
}

#[derive(Debug, Default)]
struct Inner {
    records: BTreeMap<Key, Kept>,
    /// The same keys by when they are over, those in flight and those completed.
    in_flight: BTreeMap<End, Key>,
    completed: BTreeMap<End, Key>,
    next: u64,
}

/// When a record is over. The number makes it its own; numbers ascend.
type End = (Duration, u64);

#[derive(Debug)]
struct Kept {
    record: Record,
    number: u64,
}

impl MemoryRecords {
    /// No records, and room for so many.
    #[must_use]
    pub fn new(records_max: NonZeroUsize) -> Self {
        Self { inner: Mutex::default(), records_max }
    }

    /// How many there are, those that are over included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.lock().records.len()
    }

    /// Whether there are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The most records there can be.
    #[must_use]
    pub const fn records_max(&self) -> NonZeroUsize {
        self.records_max
    }

    /// Nothing panics under the lock: it only moves values between maps.
    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    fn by_end(&mut self, state: &RecordState) -> &mut BTreeMap<End, Key> {
        match state {
            RecordState::InFlight => &mut self.in_flight,
            RecordState::Completed(_) => &mut self.completed,
        }
    }

    fn get(&self, key: &Key) -> Option<&Record> {
        self.records.get(key).map(|kept| &kept.record)
    }

    fn insert(&mut self, key: &Key, record: Record) {
        let (number, until) = (self.next, record.until);
        self.next += 1;
        let by_end = self.by_end(&record.state);
        by_end.insert((until, number), key.clone());
        let kept = Kept { record, number };
        let before = match self.records.get_mut(key) {
            Some(found) => Some(std::mem::replace(found, kept)),
            None => self.records.insert(key.clone(), kept),
        };
        if let Some(Kept { record, number }) = before {
            self.by_end(&record.state).remove(&(record.until, number));
        }
    }

    fn remove(&mut self, key: &Key) {
        if let Some(Kept { record, number }) = self.records.remove(key) {
            self.by_end(&record.state).remove(&(record.until, number));
        }
    }

    fn remove_expired(&mut self, now: Duration) -> usize {
        let mut removed = 0;
        for by_end in [&mut self.in_flight, &mut self.completed] {
            while by_end.first_key_value().is_some_and(|((until, _), _)| *until <= now) {
                let over = by_end.pop_first();
                removed += usize::from(over.and_then(|(_, key)| self.records.remove(&key)).is_some());
            }
        }
        removed
    }

    /// Room for one more: false when there is none.
    fn make_room(&mut self, now: Duration, records_max: usize) -> bool {
        if self.records.len() < records_max || self.remove_expired(now) > 0 {
            return true;
        }
        let oldest = self.completed.pop_first();
        oldest.and_then(|(_, key)| self.records.remove(&key)).is_some()
    }
}

#[async_trait]
impl IdempotencyRecords for MemoryRecords {
    async fn begin(&self, ask: &Ask) -> Result<Beginning, RecordsError> {
        let mut inner = self.lock();
        let found = inner.get(&ask.key);
        let is_new = found.is_none();
        let (beginning, record) = Record::begin(found, ask);
        if let Some(record) = record {
            let records_max = self.records_max.get();
            if is_new && !inner.make_room(ask.now, records_max) {
                return Err(RecordsError::Full { records_max });
            }
            inner.insert(&ask.key, record);
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
        let mut inner = self.lock();
        let (completion, record) = Record::complete(inner.get(key), claim, answer, keep_until);
        if let Some(record) = record {
            inner.insert(key, record);
        }
        Ok(completion)
    }

    async fn abandon(&self, key: &Key, claim: Claim) -> Result<bool, RecordsError> {
        let mut inner = self.lock();
        let may = inner.get(key).is_some_and(|record| record.may_abandon(claim));
        if may {
            inner.remove(key);
        }
        Ok(may)
    }

    async fn expire(&self, now: Duration) -> Result<usize, RecordsError> {
        Ok(self.lock().remove_expired(now))
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use proptest::prelude::*;

    use super::*;
    use crate::idempotency::contract;
    use crate::idempotency::key::Fingerprint;

    fn records(records_max: usize) -> MemoryRecords {
        MemoryRecords::new(NonZeroUsize::new(records_max).expect("not zero"))
    }

    fn key(text: &str) -> Key {
        Key::new("c1", text).expect("a valid key")
    }

    async fn begin(records: &MemoryRecords, text: &str, now_s: u64) -> Result<Beginning, RecordsError> {
        let now = Duration::from_secs(now_s);
        let claim = Claim { owner: 1, number: now_s };
        let lease_until = now + Duration::from_secs(60);
        let ask = Ask { key: key(text), fingerprint: Fingerprint(1), claim, now, lease_until };
        records.begin(&ask).await
    }

    async fn run(records: &MemoryRecords, text: &str, now_s: u64) {
        assert_eq!(begin(records, text, now_s).await, Ok(Beginning::Begun));
        let keep_until = Duration::from_secs(now_s + 1_000);
        let claim = Claim { owner: 1, number: now_s };
        let done = records.complete(&key(text), claim, &Answer::from(vec![1]), keep_until).await;
        assert_eq!(done, Ok(Completion::Stored));
    }

    #[tokio::test]
    async fn keeps_the_contract_of_idempotency_records() {
        contract::idempotency_records(|| Arc::new(records(1_000))).await;
    }

    #[tokio::test]
    async fn the_oldest_completed_record_makes_room() {
        let records = records(2);
        run(&records, "a", 1).await;
        run(&records, "b", 2).await;
        run(&records, "c", 3).await;
        assert_eq!(records.len(), 2);
        assert_eq!(begin(&records, "b", 4).await, Ok(Beginning::Completed(Answer::from(vec![1]))));
        assert_eq!(begin(&records, "a", 5).await, Ok(Beginning::Begun), "it was forgotten");
    }

    #[tokio::test]
    async fn what_is_over_goes_before_what_is_not() {
        let records = records(2);
        run(&records, "a", 1).await;
        assert_eq!(begin(&records, "b", 2).await, Ok(Beginning::Begun));
        run(&records, "c", 500).await;
        assert_eq!(begin(&records, "a", 501).await, Ok(Beginning::Completed(Answer::from(vec![1]))));
    }

    #[tokio::test]
    async fn what_is_in_flight_is_never_forgotten() {
        let records = records(2);
        assert_eq!(begin(&records, "a", 1).await, Ok(Beginning::Begun));
        assert_eq!(begin(&records, "b", 2).await, Ok(Beginning::Begun));
        assert_eq!(begin(&records, "c", 3).await, Err(RecordsError::Full { records_max: 2 }));
        assert_eq!(begin(&records, "c", 61).await, Ok(Beginning::Begun), "the lease of a is over");
        assert_eq!(records.len(), 2);
    }

    /// Begun, completed, abandoned or expired, in any order and at times that repeat.
    async fn step(records: &MemoryRecords, kind: u8, text: &str, number: u64, now_s: u64) {
        let (key, claim) = (key(text), Claim { owner: 1, number });
        let now = Duration::from_secs(now_s);
        let until = now + Duration::from_secs(number);
        match kind {
            0 | 1 => {
                let ask = Ask { key, fingerprint: Fingerprint(1), claim, now, lease_until: until };
                drop(records.begin(&ask).await);
            }
            2 => drop(records.complete(&key, claim, &Answer::from(vec![1]), until).await),
            3 => drop(records.abandon(&key, claim).await),
            _ => drop(records.expire(now).await),
        }
    }

    proptest! {
        #[test]
        fn its_indexes_are_those_of_its_records_and_its_bound_holds(
            steps in prop::collection::vec((0..5_u8, "[a-e]", 1..4_u64, 0..6_u64), 0..60),
        ) {
            let records = records(3);
            let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
            for (kind, text, number, now_s) in steps {
                runtime.block_on(step(&records, kind, &text, number, now_s));
                let inner = records.lock();
                prop_assert!(inner.records.len() <= 3);
                let (mut in_flight, mut completed) = (BTreeMap::new(), BTreeMap::new());
                for (key, Kept { record, number }) in &inner.records {
                    let by_end = match record.state {
                        RecordState::InFlight => &mut in_flight,
                        RecordState::Completed(_) => &mut completed,
                    };
                    by_end.insert((record.until, *number), key.clone());
                }
                prop_assert_eq!((&inner.in_flight, &inner.completed), (&in_flight, &completed));
            }
        }
    }
}
