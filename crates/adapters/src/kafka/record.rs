//! A message as Kafka has it: a key, a payload, and headers, whose values may be any bytes.

use std::time::Duration;

use domain::broker::FailedAttempt;
use domain::{EventId, Message};
use rdkafka::Message as _;
use rdkafka::message::{BorrowedMessage, Header, Headers as _, OwnedHeaders};
use tokio::time::Instant;

use super::hand::{Place, Received};
use crate::wire::{AT_US, EVENT_ID, stranger};

/// How many attempts failed before this one.
const FAILED: &str = "failfirst-failed";
/// What is remembered of them, as JSON.
const HISTORY: &str = "failfirst-history";
/// Not before this, in µs of the run's timeline.
const DUE_US: &str = "failfirst-due-us";

/// What stands beside a message.
pub(super) fn headers(message: &Message) -> OwnedHeaders {
    with(with(OwnedHeaders::new(), EVENT_ID, message.event_id.as_str()), AT_US, &message.at_us.to_string())
}

/// What stands beside a message that is to be tried again.
pub(super) fn headers_of_retry(
    message: &Message,
    failed: u32,
    history: &[FailedAttempt],
    due_us: u64,
) -> OwnedHeaders {
    let history = serde_json::to_string(history).expect("it has text keys only");
    let headers = with(headers(message), FAILED, &failed.to_string());
    with(with(headers, HISTORY, &history), DUE_US, &due_us.to_string())
}

pub(super) fn with(headers: OwnedHeaders, key: &str, value: &str) -> OwnedHeaders {
    headers.insert(Header { key, value: Some(value) })
}

/// The last header of a name, as text.
pub(super) fn header<'a>(record: &'a BorrowedMessage<'_>, name: &str) -> Option<&'a str> {
    let headers = record.headers()?;
    let found = headers.iter().filter(|header| header.key == name).last()?;
    std::str::from_utf8(found.value?).ok()
}

/// A message as it was published, or what can be made of a stranger's: its place and Kafka's timestamp stand for what
/// it lacks.
pub(super) fn message(topic: &str, key: &[u8], record: &BorrowedMessage<'_>) -> Message {
    let event_id = header(record, EVENT_ID).and_then(|id| EventId::new(id).ok());
    let taken_us = record.timestamp().to_millis().and_then(|ms| u64::try_from(ms).ok()).unwrap_or(0) * 1000;
    Message {
        event_id: event_id
            .unwrap_or_else(|| stranger(topic, &format!("{}.{}", record.partition(), record.offset()))),
        topic: topic.to_owned(),
        key: String::from_utf8_lossy(key).into_owned(),
        payload: record.payload().unwrap_or_default().to_vec(),
        at_us: header(record, AT_US).and_then(|text| text.parse().ok()).unwrap_or(taken_us),
    }
}

/// A record with what is known of the attempts before.
pub(super) fn received(topic: &str, place: Place, record: &BorrowedMessage<'_>, now_us: u64) -> Received {
    let number = |name: &str| header(record, name).and_then(|text| text.parse::<u64>().ok());
    let failed = number(FAILED).and_then(|failed| u32::try_from(failed).ok()).unwrap_or(0);
    let history =
        header(record, HISTORY).and_then(|json| serde_json::from_str(json).ok()).unwrap_or_default();
    let delay = Duration::from_micros(number(DUE_US).unwrap_or(0).saturating_sub(now_us));
    let now = Instant::now();
    Received {
        place,
        offset: record.offset(),
        message: message(topic, record.key().unwrap_or_default(), record),
        attempt: failed.saturating_add(1),
        history,
        due: now.checked_add(delay).unwrap_or(now),
    }
}
