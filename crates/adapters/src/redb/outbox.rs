//! The outbox: messages by sequence, appended with the order that they are about.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{EventId, Message, Outbox, OutboxMessage, StoreError};

use super::batch::Batch;
use super::fault::Fault;
use super::job::Ask;
use super::overlay::Overlay;
use super::row::Row;
use super::store::RedbStore;
use super::view::Below;

/// Puts a message at the end.
pub(super) fn append(batch: &mut Batch<'_>, message: Message) {
    let counts = &mut batch.changes.counts;
    counts.numbers.last_sequence += 1;
    counts.pending += 1;
    let sequence = counts.numbers.last_sequence;
    batch.put(Row::Message { sequence, message: Arc::new(message) });
}

/// These need not be sent any more.
struct MarkSent {
    sequences: Vec<u64>,
}

impl Ask for MarkSent {
    type Answer = ();

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<(), StoreError>, Fault> {
        for sequence in self.sequences {
            let is_pending = batch.find(
                |overlay| overlay.outbox.get(&sequence).map(Option::is_some),
                |snapshot| Ok(snapshot.outbox.get(sequence)?.map(|_| true)),
            )?;
            if is_pending == Some(true) {
                batch.changes.counts.pending -= 1;
                batch.put(Row::Sent { sequence });
            }
        }
        Ok(Ok(()))
    }
}

/// A part of the outbox, at one level.
type Part = BTreeMap<u64, Option<Arc<Message>>>;

/// What of a level is above a sequence: all that was sent of what lies further down, and so many messages.
fn part(overlay: &Overlay, first: u64, limit: usize) -> Part {
    let (mut part, mut messages) = (Part::new(), 0);
    for (sequence, message) in overlay.outbox.range(first..) {
        messages += usize::from(message.is_some());
        if messages > limit {
            break;
        }
        part.insert(*sequence, message.clone());
    }
    part
}

/// The first messages of all levels: what stands in a lower one was told earlier.
fn merge(above: &Part, below: &Below, first: u64, limit: usize) -> Result<Vec<OutboxMessage>, Fault> {
    let frozen =
        below.frozen.as_deref().map(|frozen| part(&frozen.overlay, first, limit)).unwrap_or_default();
    let is_sent = |level: &Part, sequence: u64| level.get(&sequence).is_some_and(Option::is_none);
    let mut messages = Vec::new();
    for entry in below.snapshot.outbox.range(first..)? {
        if messages.len() == limit {
            return Ok(messages);
        }
        let (sequence, row) = entry?;
        let sequence = sequence.value();
        if !is_sent(&frozen, sequence) && !is_sent(above, sequence) {
            messages.push(OutboxMessage { sequence, message: message(sequence, row.value())? });
        }
    }
    let room = limit - messages.len();
    let frozen = frozen.iter().filter(|(sequence, _)| !is_sent(above, **sequence));
    let newer = frozen.chain(above).filter_map(|(sequence, message)| Some((*sequence, message.as_deref()?)));
    let newer = newer.map(|(sequence, message)| OutboxMessage { sequence, message: message.clone() });
    messages.extend(newer.take(room));
    Ok(messages)
}

/// A row as a message.
fn message(sequence: u64, row: (&str, &str, &str, &[u8], u64)) -> Result<Message, Fault> {
    let (event_id, topic, key, payload, at_us) = row;
    let event_id = EventId::new(event_id).map_err(|error| Fault::Unreadable {
        key: sequence.to_string(),
        source: serde::de::Error::custom(error),
    })?;
    Ok(Message { event_id, topic: topic.to_owned(), key: key.to_owned(), payload: payload.to_vec(), at_us })
}

#[async_trait]
impl Outbox for RedbStore {
    async fn pending(&self, after: u64, limit: usize) -> Result<Vec<OutboxMessage>, StoreError> {
        let Some(first) = after.checked_add(1) else { return Ok(Vec::new()) };
        let (above, below) = self.view().capture(|active| part(active, first, limit))?;
        self.readable(merge(&above, &below, first, limit))
    }

    async fn mark_sent(&self, sequences: &[u64]) -> Result<(), StoreError> {
        self.ask(MarkSent { sequences: sequences.to_vec() }).await
    }

    async fn pending_total(&self) -> Result<u64, StoreError> {
        Ok(self.view().counts().pending)
    }
}
