//! Messages that wait to be told to others.
//!
//! A service that changes its store and tells others about it cannot do both at once: between the two it may
//! die. So the message is committed together with the change, into the outbox of the same store, and a relay
//! tells it from there, again and again until it is marked as sent. Told at least once, then, and in the order
//! of the commits; whoever listens drops what it knows by the event's id.

use serde::{Deserialize, Serialize};

use crate::ids::EventId;

/// A message, before it stands in an outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// What tells a repetition from news.
    pub event_id: EventId,
    /// What it is about: where a broker takes it.
    pub topic: String,
    /// Messages with one key stay in their order, as far as the broker keeps any.
    pub key: String,
    /// What is said, in the topic's own format.
    pub payload: Vec<u8>,
    /// When it happened.
    pub at_us: u64,
}

/// A message that stands in an outbox.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxMessage {
    /// Its place: ascending in the order of the commits, from 1 on, and never given twice.
    pub sequence: u64,
    /// The message.
    #[serde(flatten)]
    pub message: Message,
}
