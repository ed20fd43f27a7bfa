//! A dead letter as JSON that people can read.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use domain::Message;
use domain::broker::{DeadLetter, FailedAttempt};
use serde::{Deserialize, Serialize};

/// A dead letter on its way.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) id: String,
    pub(crate) topic: String,
    pub(crate) group: String,
    pub(crate) reason: String,
    pub(crate) attempts: u32,
    pub(crate) at_us: u64,
    pub(crate) history: Vec<FailedAttempt>,
    pub(crate) event_id: String,
    pub(crate) key: String,
    pub(crate) published_at_us: u64,
    /// What the message says; the other one, when that is no text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) payload: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) payload_base64: Option<String>,
}

impl From<DeadLetter> for Letter {
    fn from(letter: DeadLetter) -> Self {
        let DeadLetter { id, group, message, attempts, reason, at_us, history } = letter;
        let Message { event_id, topic, key, payload, at_us: published_at_us } = message;
        let (payload, payload_base64) = match String::from_utf8(payload) {
            Ok(text) => (Some(text), None),
            Err(bytes) => (None, Some(STANDARD.encode(bytes.as_bytes()))),
        };
        let event_id = event_id.to_string();
        Self {
            id,
            topic,
            group,
            reason,
            attempts,
            at_us,
            history,
            event_id,
            key,
            published_at_us,
            payload,
            payload_base64,
        }
    }
}

impl Letter {
    /// The letter, unless it says what cannot be.
    pub(crate) fn read(self) -> Option<DeadLetter> {
        let payload = match (self.payload, self.payload_base64) {
            (Some(text), None) => text.into_bytes(),
            (None, Some(base64)) => STANDARD.decode(base64).ok()?,
            _ => return None,
        };
        let message = Message {
            event_id: self.event_id.parse().ok()?,
            topic: self.topic,
            key: self.key,
            payload,
            at_us: self.published_at_us,
        };
        Some(DeadLetter {
            id: self.id,
            group: self.group,
            message,
            attempts: self.attempts,
            reason: self.reason,
            at_us: self.at_us,
            history: self.history,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use domain::EventId;

    #[test]
    fn comes_back_byte_for_byte_whether_it_is_text_or_not() {
        for payload in [&b"{\"a\":1}"[..], b"", &[0xc3, 0x28, 0]] {
            let message = Message {
                event_id: EventId::new("e-1").expect("a valid id"),
                topic: "orders".to_owned(),
                key: "k \"1\"".to_owned(),
                payload: payload.to_vec(),
                at_us: 3,
            };
            let letter = DeadLetter {
                id: "00000000000000000001".to_owned(),
                group: "g".to_owned(),
                message,
                attempts: 2,
                reason: "poison".to_owned(),
                at_us: 4,
                history: Vec::new(),
            };
            let text = serde_json::to_string(&Letter::from(letter.clone())).expect("text keys only");
            let read: Letter = serde_json::from_str(&text).expect("what was written");
            assert_eq!(read.read(), Some(letter), "{text}");
        }
    }
}
