//! What goes over the wire, and how a message is kept.
//!
//! Publishing, fetching and settling are frequent: their bodies are postcard, a compact binary format, and one request
//! carries what many callers asked for. What people may ask by hand is JSON.

mod letter;
mod refusal;

use std::time::Duration;

use domain::Message;
use domain::broker::{Receipt, Settlement, Verdict};
use serde::{Deserialize, Serialize};

pub(crate) use self::letter::Letter;
pub(crate) use self::refusal::{Problem, Refusal};

/// The media type of what is not JSON.
pub(crate) const BINARY: &str = "application/octet-stream";
/// How large a request's body may be. A client cuts what is larger in two.
pub(crate) const REQUEST_BYTES_MAX: usize = 4 << 20;
/// How many bytes of messages a client puts into one request, unless a single one is larger.
pub(crate) const REQUEST_BYTES: usize = 1 << 20;
/// How many bytes of messages an answer has at most, but for the last one.
pub(crate) const ANSWER_BYTES: usize = 1 << 20;
/// How large an answer can be: one more message than fits, and what stands around them.
pub(crate) const ANSWER_BYTES_MAX: usize = 8 << 20;
/// How many messages one fetch brings at most.
pub(crate) const FETCH_MAX: usize = 1_024;
/// How long one fetch waits at most; a client that waits for longer asks again.
pub(crate) const WAIT_MAX: Duration = Duration::from_secs(30);

/// Everything of a message but its topic and its key, as it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Body<'a> {
    pub(crate) event_id: &'a str,
    pub(crate) at_us: u64,
    #[serde(with = "serde_bytes")]
    pub(crate) payload: &'a [u8],
}

impl<'a> Body<'a> {
    pub(crate) fn of(message: &'a Message) -> Self {
        Self { event_id: message.event_id.as_str(), at_us: message.at_us, payload: &message.payload }
    }

    pub(crate) fn read(bytes: &'a [u8]) -> Option<Self> {
        postcard::from_bytes(bytes).ok()
    }

    /// The whole message.
    pub(crate) fn message(&self, topic: &str, key: &str) -> Option<Message> {
        Some(Message {
            event_id: self.event_id.parse().ok()?,
            topic: topic.to_owned(),
            key: key.to_owned(),
            payload: self.payload.to_vec(),
            at_us: self.at_us,
        })
    }
}

/// Calls to publish; each is taken or refused as a whole.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Publish<'a> {
    #[serde(borrow)]
    pub(crate) calls: Vec<Vec<Published<'a>>>,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Published<'a> {
    pub(crate) topic: &'a str,
    pub(crate) key: &'a str,
    /// A [`Body`].
    #[serde(with = "serde_bytes")]
    pub(crate) body: &'a [u8],
}

/// What became of each call.
pub(crate) type PublishAnswer = Vec<Result<(), Refusal>>;

/// A consumer's own place.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Seat {
    pub(crate) topic: String,
    pub(crate) group: String,
    /// The number that subscribing gave it.
    pub(crate) session: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fetch {
    pub(crate) seat: Seat,
    pub(crate) consumer: String,
    pub(crate) lease_us: u64,
    pub(crate) in_flight_max: u64,
    pub(crate) max: u64,
    pub(crate) wait_us: u64,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Fetched<'a> {
    pub(crate) id: u64,
    pub(crate) delivery: u64,
    pub(crate) attempt: u32,
    pub(crate) key: &'a str,
    /// A [`Body`].
    #[serde(with = "serde_bytes")]
    pub(crate) body: &'a [u8],
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settle {
    pub(crate) seat: Seat,
    pub(crate) calls: Vec<Vec<Settled>>,
}

/// How many of each call were not the consumer's any more.
pub(crate) type SettleAnswer = Vec<u32>;

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Settled {
    pub(crate) message: u64,
    pub(crate) delivery: u64,
    pub(crate) verdict: Said,
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) enum Said {
    Ack,
    RetryAfter { delay_us: u64, reason: String },
    Dead { reason: String },
}

impl From<Settlement> for Settled {
    fn from(Settlement { receipt, verdict }: Settlement) -> Self {
        let verdict = match verdict {
            Verdict::Ack => Said::Ack,
            Verdict::RetryAfter { delay, reason } => Said::RetryAfter { delay_us: micros(delay), reason },
            Verdict::Dead { reason } => Said::Dead { reason },
        };
        Self { message: receipt.message, delivery: receipt.delivery, verdict }
    }
}

impl From<Settled> for Settlement {
    fn from(Settled { message, delivery, verdict }: Settled) -> Self {
        let verdict = match verdict {
            Said::Ack => Verdict::Ack,
            Said::RetryAfter { delay_us, reason } => {
                Verdict::RetryAfter { delay: Duration::from_micros(delay_us), reason }
            }
            Said::Dead { reason } => Verdict::Dead { reason },
        };
        Self { receipt: Receipt { message, delivery }, verdict }
    }
}

#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Extend {
    pub(crate) seat: Seat,
    pub(crate) receipts: Vec<(u64, u64)>,
}

/// A topic and a group of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Place {
    pub(crate) topic: String,
    pub(crate) group: String,
}

/// A topic and its groups.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Declared {
    pub(crate) topic: String,
    pub(crate) groups: Vec<String>,
}

/// What a group has not dealt with, and what it has put aside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Behind {
    pub(crate) waiting: u64,
    pub(crate) in_flight: u64,
    pub(crate) dead_letters: Option<u64>,
}

/// Which dead letters are asked for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Wanted {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) topic: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) group: Option<String>,
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(crate) after: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) limit: Option<usize>,
}

/// How many of them there are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Total {
    pub(crate) total: u64,
}

/// What a letter is called: numbers that sort as text.
pub(crate) fn letter_id(number: u64) -> String {
    format!("{number:020}")
}

/// The number of a letter, if there can be one of that id.
pub(crate) fn letter_number(id: &str) -> Option<u64> {
    id.parse().ok().filter(|number| letter_id(*number) == id)
}

pub(crate) fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

/// The bytes of something that can always be written.
pub(crate) fn encode(value: &impl Serialize) -> Vec<u8> {
    postcard::to_stdvec(value).expect("what goes over the wire knows its lengths")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_is_as_large_as_what_it_holds() {
        let body = Body { event_id: "e-1", at_us: 1, payload: &[0, 255, 7] };
        let bytes = encode(&body);
        assert_eq!(bytes, [3, b'e', b'-', b'1', 1, 3, 0, 255, 7], "what is kept on disks");
        assert_eq!(Body::read(&bytes), Some(body));
        assert_eq!(Body::read(&bytes[..5]), None);
    }

    #[test]
    fn a_message_without_a_valid_id_is_none() {
        assert_eq!(Body { event_id: "a/b", at_us: 1, payload: &[] }.message("t", "k"), None);
    }
}
