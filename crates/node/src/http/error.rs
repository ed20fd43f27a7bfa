//! Why a call got no answer, and whether it may have had an effect all the same.

use std::io;

use thiserror::Error;

/// A call without an answer.
#[derive(Debug, Error)]
pub enum CallError {
    /// No connection could be made.
    #[error("cannot connect")]
    Connect(#[source] io::Error),
    /// The connection was reset or closed before the answer was complete.
    #[error("the connection broke before the answer ({detail})")]
    Reset {
        /// What the network said.
        detail: String,
        /// Whether the request had not been sent at all.
        unsent: bool,
    },
    /// The peer does not speak HTTP, or the request cannot be sent as it is.
    #[error("broken exchange ({0})")]
    Protocol(String),
    /// The answer is larger than this client accepts.
    #[error("the answer is longer than {limit} bytes")]
    TooLarge {
        /// The client's bound in bytes.
        limit: usize,
    },
}

/// What may have become of a call that was not answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// The request never left: repeating it is safe.
    NotSent,
    /// It may or may not have been carried out: repeating it is safe only with an idempotency key.
    Unknown,
}

impl CallError {
    /// What may have become of the call.
    #[must_use]
    pub fn fate(&self) -> Fate {
        match self {
            Self::Connect(_) | Self::Reset { unsent: true, .. } => Fate::NotSent,
            _ => Fate::Unknown,
        }
    }

    /// Judges an error of the pooled client.
    pub(super) fn from_client(error: &hyper_util::client::legacy::Error) -> Self {
        if error.is_connect() {
            let cause = find::<io::Error>(error);
            let kind = cause.map_or(io::ErrorKind::Other, io::Error::kind);
            let detail = cause.map_or_else(|| error.to_string(), ToString::to_string);
            return Self::Connect(io::Error::new(kind, detail));
        }
        Self::from_cause(error)
    }

    /// Judges an error of an exchange that had begun.
    pub(super) fn from_cause(error: &(dyn std::error::Error + 'static)) -> Self {
        if let Some(cause) = find::<io::Error>(error) {
            return Self::Reset { detail: cause.to_string(), unsent: false };
        }
        match find::<hyper::Error>(error) {
            Some(cause) if cause.is_canceled() => Self::Reset { detail: cause.to_string(), unsent: true },
            Some(cause) if cause.is_incomplete_message() || cause.is_closed() => {
                Self::Reset { detail: cause.to_string(), unsent: false }
            }
            Some(cause) => Self::Protocol(cause.to_string()),
            None => Self::Protocol(error.to_string()),
        }
    }
}

/// The first error of a type in a chain of sources.
fn find<'a, E: std::error::Error + 'static>(error: &'a (dyn std::error::Error + 'static)) -> Option<&'a E> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(found) = error.downcast_ref::<E>() {
            return Some(found);
        }
        next = error.source();
    }
    None
}
