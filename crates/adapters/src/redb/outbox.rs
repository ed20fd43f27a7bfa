//! The outbox: messages by sequence, appended with the order that they are about.

use async_trait::async_trait;
use domain::{EventId, Message, Outbox, OutboxMessage, StoreError};
use redb::ReadTransaction;

use super::batch::Batch;
use super::fault::Fault;
use super::job::Ask;
use super::store::RedbStore;
use super::tables::OUTBOX;

/// Puts a message at the end.
pub(super) fn append(batch: &mut Batch<'_>, message: &Message) -> Result<(), Fault> {
    let Message { event_id, topic, key, payload, at_us } = message;
    let counts = &mut batch.changes.counts;
    counts.last_sequence += 1;
    counts.pending += 1;
    let sequence = counts.last_sequence;
    batch.changes.wrote = true;
    let row = (event_id.as_str(), topic.as_str(), key.as_str(), payload.as_slice(), *at_us);
    batch.outbox()?.insert(sequence, row)?;
    Ok(())
}

/// These need not be sent any more.
struct MarkSent {
    sequences: Vec<u64>,
}

impl Ask for MarkSent {
    type Answer = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<(), StoreError>, Fault> {
        for sequence in self.sequences {
            if batch.outbox()?.remove(sequence)?.is_some() {
                batch.changes.counts.pending -= 1;
                batch.changes.wrote = true;
            }
        }
        Ok(Ok(()))
    }
}

fn read(snapshot: &ReadTransaction, after: u64, limit: usize) -> Result<Vec<OutboxMessage>, Fault> {
    let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
    let mut messages = Vec::new();
    for entry in snapshot.open_table(OUTBOX)?.range(first..)?.take(limit) {
        let (sequence, row) = entry?;
        let (event_id, topic, key, payload, at_us) = row.value();
        let event_id = EventId::new(event_id).map_err(|error| Fault::Unreadable {
            key: sequence.value().to_string(),
            source: serde::de::Error::custom(error),
        })?;
        let (topic, key, payload) = (topic.to_owned(), key.to_owned(), payload.to_vec());
        let message = Message { event_id, topic, key, payload, at_us };
        messages.push(OutboxMessage { sequence: sequence.value(), message });
    }
    Ok(messages)
}

#[async_trait]
impl Outbox for RedbStore {
    async fn pending(&self, after: u64, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        self.read(|snapshot| read(snapshot, after, limit))
    }

    async fn mark_sent(&self, sequences: &[u64]) -> Result<(), StoreError> {
        self.ask(MarkSent { sequences: sequences.to_vec() }).await
    }

    async fn pending_total(&self) -> Result<u64, StoreError> {
        Ok(self.view().counts().pending)
    }
}
