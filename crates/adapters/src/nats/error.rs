//! Why the server did not do what it was asked, and whether it may have done it.

use std::error::Error as _;

use async_nats::jetstream::context::{PublishError, PublishErrorKind, RequestError, RequestErrorKind};
use async_nats::jetstream::{Error as JetStreamError, ErrorCode};
use async_nats::{RequestErrorKind as CoreKind, client};
use domain::broker::BrokerError;

/// Why a call of JetStream's own did not get through.
#[derive(Clone, Debug)]
pub(super) enum Refusal {
    /// The server said so.
    Said(JetStreamError),
    /// No server of JetStream is there, or it does not know the thing.
    Nobody,
    /// It was not sent.
    Unsent(String),
    /// It was sent, and nothing came back.
    Silent(String),
}

impl Refusal {
    /// Whether the thing is not there.
    pub(super) fn is_absent(&self) -> bool {
        let Self::Said(error) = self else { return false };
        let absent =
            [ErrorCode::STREAM_NOT_FOUND, ErrorCode::CONSUMER_NOT_FOUND, ErrorCode::NO_MESSAGE_FOUND];
        absent.contains(&error.error_code())
    }
}

impl From<RequestError> for Refusal {
    fn from(error: RequestError) -> Self {
        match error.kind() {
            RequestErrorKind::NoResponders => Self::Nobody,
            RequestErrorKind::InvalidSubject => Self::Unsent(error.to_string()),
            RequestErrorKind::TimedOut | RequestErrorKind::Other => Self::Silent(error.to_string()),
        }
    }
}

impl From<client::RequestError> for Refusal {
    fn from(error: client::RequestError) -> Self {
        match error.kind() {
            CoreKind::NoResponders => Self::Nobody,
            CoreKind::InvalidSubject | CoreKind::MaxPayloadExceeded => Self::Unsent(error.to_string()),
            CoreKind::TimedOut | CoreKind::Other => Self::Silent(error.to_string()),
        }
    }
}

impl From<Refusal> for BrokerError {
    fn from(refusal: Refusal) -> Self {
        match refusal {
            Refusal::Said(error) => Self::untouched(said(&error)),
            Refusal::Nobody => Self::untouched("JetStream does not answer: is it enabled on the server?"),
            Refusal::Unsent(detail) => Self::untouched(detail),
            Refusal::Silent(detail) => Self::unknown(format!("no answer: {detail}")),
        }
    }
}

/// Why a message was not published on a topic, or nobody knows whether it was.
pub(super) fn of_publish(error: &PublishError, topic: &str) -> BrokerError {
    match error.kind() {
        PublishErrorKind::StreamNotFound => BrokerError::NoSuchTopic { topic: topic.to_owned() },
        PublishErrorKind::MaxAckPending | PublishErrorKind::MaxPayloadExceeded => {
            BrokerError::untouched(error.to_string())
        }
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => BrokerError::unknown(error.to_string()),
        PublishErrorKind::WrongLastMessageId
        | PublishErrorKind::WrongLastSequence
        | PublishErrorKind::Other => {
            match error.source().and_then(|source| source.downcast_ref::<JetStreamError>()) {
                Some(error) => BrokerError::untouched(said(error)),
                None => BrokerError::unknown(error.to_string()),
            }
        }
    }
}

fn said(error: &JetStreamError) -> String {
    format!("the server says: {error}")
}
