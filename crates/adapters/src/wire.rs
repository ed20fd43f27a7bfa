//! What the adapters of brokers have in common: names, what stands beside a payload, and how much of a history is kept.
//!
//! A payload travels as it is. What else a message has stands in headers beside it, so that other programs can read
//! and write the same topics: all that *they* need to write is a payload. Whatever a stranger's message lacks is made up
//! ([`stranger`]).

use domain::broker::{BrokerError, FailedAttempt};
use domain::{Effect, EventId, Message};
use serde::{Deserialize, Serialize};

/// The header of the event's id.
pub(crate) const EVENT_ID: &str = "failfirst-event-id";
/// The header of [`Message::at_us`].
pub(crate) const AT_US: &str = "failfirst-at-us";
/// The header of what is known of a dead letter: a [`Letter`] as JSON.
pub(crate) const LETTER: &str = "failfirst-letter";

/// The longest name of a topic or a group, in bytes.
const NAME_MAX: usize = 64;

/// The most failed attempts that a message's history has: the oldest are forgotten.
pub(crate) const HISTORY_MAX: usize = 16;

/// The longest reason that is kept, in bytes; the rest is cut off.
const REASON_MAX: usize = 512;

/// The longest key, in bytes.
const KEY_MAX: usize = 4096;

/// The most bytes that a message's headers have, whatever its history is: kept free below what a server takes.
pub(crate) const HEADERS_MAX: usize = 64 * 1024;

/// Checks the name of a topic or a group.
pub(crate) fn check_name(name: &str) -> Result<(), BrokerError> {
    let is_plain = name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
    if is_plain && (1..=NAME_MAX).contains(&name.len()) {
        Ok(())
    } else {
        Err(BrokerError::BadName { name: name.to_owned() })
    }
}

/// Checks that a broker takes a message of this size.
pub(crate) fn check_size(message: &Message, payload_bytes_max: usize) -> Result<(), BrokerError> {
    for (bytes, bytes_max) in [(message.payload.len(), payload_bytes_max), (message.key.len(), KEY_MAX)] {
        if bytes > bytes_max {
            return Err(BrokerError::TooLarge { bytes, bytes_max });
        }
    }
    Ok(())
}

/// What became of messages that were sent together: all are there, or the worst that happened to one.
#[derive(Debug, Default)]
pub(crate) struct Outcome {
    taken: usize,
    failed: Option<BrokerError>,
}

impl Outcome {
    /// One is there.
    pub(crate) fn taken(&mut self) {
        self.taken += 1;
    }

    /// One is not, or nobody knows. The worst is what is told.
    pub(crate) fn failed(&mut self, error: BrokerError) {
        if self.failed.as_ref().is_none_or(|failed| failed.effect() == Effect::None) {
            self.failed = Some(error);
        }
    }

    /// Of all of them: when only some are there, the call has had an effect.
    pub(crate) fn of_all(self) -> Result<(), BrokerError> {
        match self.failed {
            None => Ok(()),
            Some(error) if self.taken > 0 => Err(BrokerError::unknown(error.to_string())),
            Some(error) => Err(error),
        }
    }
}

/// The event id of a message that came without one. It is the same whenever that message is read.
pub(crate) fn stranger(topic: &str, place: &str) -> EventId {
    let mut id = format!("{place}@{topic}");
    id.truncate(64);
    EventId::new(id).expect("digits, dots and a checked name, cut to what an id may have")
}

/// A reason, cut to what is kept of it.
pub(crate) fn reason(text: &str) -> String {
    text[..text.floor_char_boundary(REASON_MAX)].to_owned()
}

/// What is known of a dead letter beside its message.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Letter {
    pub(crate) group: String,
    pub(crate) attempts: u32,
    pub(crate) reason: String,
    pub(crate) at_us: u64,
    pub(crate) history: Vec<FailedAttempt>,
}

impl Letter {
    /// As JSON in one line, of at most half of [`HEADERS_MAX`]: as many of its latest attempts as fit.
    pub(crate) fn to_json(&self) -> String {
        let mut letter = self.clone();
        letter.reason = reason(&self.reason);
        loop {
            let json = serde_json::to_string(&letter).expect("a letter has text keys only");
            if json.len() <= HEADERS_MAX / 2 || letter.history.is_empty() {
                return json;
            }
            letter.history.remove(0);
        }
    }
}

/// Adds an attempt to a history, and forgets the oldest where there are too many.
pub(crate) fn remember(history: &mut Vec<FailedAttempt>, attempt: FailedAttempt) {
    history.push(FailedAttempt { reason: reason(&attempt.reason), ..attempt });
    let over = history.len().saturating_sub(HISTORY_MAX);
    history.drain(..over);
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attempt(number: u32, reason: &str) -> FailedAttempt {
        FailedAttempt { attempt: number, at_us: 1, consumer: "c-1".to_owned(), reason: reason.to_owned() }
    }

    #[test]
    fn names_are_plain_and_short() {
        for name in ["orders", "order-processor", "a1", &"x".repeat(NAME_MAX)] {
            assert_eq!(check_name(name), Ok(()));
        }
        for name in ["", "Orders", "a.b", "a b", "a_b", "*", ">", "ä", &"x".repeat(NAME_MAX + 1)] {
            assert_eq!(check_name(name), Err(BrokerError::BadName { name: name.to_owned() }));
        }
    }

    #[test]
    fn a_stranger_is_called_by_its_place_whatever_the_topic_is_called() {
        assert_eq!(stranger("orders", "17").as_str(), "17@orders");
        let long = stranger(&"x".repeat(NAME_MAX), "18446744073709551615");
        assert!(long.as_str().starts_with("18446744073709551615@x"));
    }

    #[test]
    fn a_history_is_bounded_and_ends_with_the_latest() {
        let mut history = Vec::new();
        for number in 1..=40 {
            remember(&mut history, attempt(number, &"ß".repeat(REASON_MAX)));
        }
        assert_eq!((history.len(), history[0].attempt, history[15].attempt), (HISTORY_MAX, 25, 40));
        assert_eq!(history[0].reason, "ß".repeat(REASON_MAX / 2));
    }

    #[test]
    fn a_letter_fits_whatever_it_tells() {
        let history = (1..=16).map(|number| attempt(number, &"\u{1}".repeat(REASON_MAX))).collect();
        let letter = Letter {
            group: "g".to_owned(),
            attempts: 17,
            reason: "a\r\n\"b\"".to_owned(),
            at_us: 1,
            history,
        };
        let json = letter.to_json();
        assert!(json.len() <= HEADERS_MAX / 2 && !json.contains(['\r', '\n']), "{} bytes", json.len());
        let read: Letter = serde_json::from_str(&json).expect("it is JSON");
        assert_eq!((read.reason, read.history.last()), (letter.reason, letter.history.last()));
    }
}
