//! A message as JetStream has it: the payload, and headers.
//!
//! `Nats-Msg-Id` is what the server drops repetitions by. It is the event's id, but for a dead letter that is replayed,
//! which is to be taken in spite of its id; so the id has a header of its own.

use async_nats::HeaderMap;
use async_nats::header::NATS_MESSAGE_ID;
use async_nats::jetstream::message::PublishMessage;
use domain::{EventId, Message};
use percent_encoding::{AsciiSet, CONTROLS, percent_decode_str, utf8_percent_encode};

use crate::wire::{AT_US, EVENT_ID, stranger};

/// The header of [`Message::key`], percent-encoded where a header cannot hold it.
const KEY: &str = "failfirst-key";

/// What a header cannot hold, or would lose at its ends.
const ENCODED: &AsciiSet = &CONTROLS.add(b'%').add(b' ');

/// A message on its way, under what the server knows it again by.
pub(super) fn published(message: Message, known_by: &str) -> PublishMessage {
    let headers = headers(&message);
    PublishMessage::build().payload(message.payload.into()).headers(headers).message_id(known_by)
}

/// What stands beside the payload.
pub(super) fn headers(message: &Message) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(EVENT_ID, message.event_id.as_str());
    headers.insert(KEY, utf8_percent_encode(&message.key, ENCODED).to_string().as_str());
    headers.insert(AT_US, message.at_us.to_string().as_str());
    headers
}

/// A message as it was published, or what can be made of a stranger's: its place in the stream and when the server took
/// it stand for what it lacks.
pub(super) fn read(
    topic: &str,
    headers: Option<&HeaderMap>,
    payload: &[u8],
    place: u64,
    taken_us: u64,
) -> Message {
    let header = |name: &str| headers.and_then(|headers| headers.get(name)).map(|value| value.as_str());
    let id = |name| header(name).and_then(|text| EventId::new(text).ok());
    let key = header(KEY).map(|text| percent_decode_str(text).decode_utf8_lossy().into_owned());
    Message {
        event_id: id(EVENT_ID)
            .or_else(|| id(NATS_MESSAGE_ID.as_ref()))
            .unwrap_or_else(|| stranger(topic, &place.to_string())),
        topic: topic.to_owned(),
        key: key.unwrap_or_default(),
        payload: payload.to_vec(),
        at_us: header(AT_US).and_then(|text| text.parse().ok()).unwrap_or(taken_us),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(key: &str) -> Message {
        Message {
            event_id: EventId::new("o:o-1").expect("an id"),
            topic: "orders".to_owned(),
            key: key.to_owned(),
            payload: vec![0, 255, b'\r', b'\n'],
            at_us: 1_000,
        }
    }

    #[test]
    fn a_message_comes_back_as_it_was_published() {
        for key in ["", "o-1", " spaces ", "a\r\nb: c", "100%", "ünï 🍕"] {
            let message = message(key);
            let back = read("orders", Some(&headers(&message)), &message.payload, 7, 9);
            assert_eq!(back, message);
        }
    }

    #[test]
    fn a_stranger_is_known_by_what_it_brings_or_where_it_stands() {
        let bare = read("orders", None, b"hello", 7, 9);
        assert_eq!((bare.event_id.as_str(), bare.key.as_str(), bare.at_us), ("7@orders", "", 9));
        let mut headers = HeaderMap::new();
        headers.insert(NATS_MESSAGE_ID, "theirs-1");
        assert_eq!(read("orders", Some(&headers), b"", 7, 9).event_id.as_str(), "theirs-1");
        headers.insert(EVENT_ID, "no/id");
        headers.insert(AT_US, "soon");
        let odd = read("orders", Some(&headers), b"", 7, 9);
        assert_eq!((odd.event_id.as_str(), odd.at_us), ("theirs-1", 9));
    }
}
