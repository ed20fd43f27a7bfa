//! How a call with a key can end badly.

use std::time::Duration;

use thiserror::Error;

use super::key::InvalidKey;
use super::records::RecordsError;
use super::scheme::Unreadable;

/// Refused because of its key, or failed inside.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum IdempotencyError<E> {
    /// There is no key where one is required. Nothing was begun. (HTTP: 400)
    #[error("an idempotency key is required")]
    MissingKey,
    /// What came as a key is none. Nothing was begun. (HTTP: 400)
    #[error("the idempotency key is not valid")]
    InvalidKey(#[source] InvalidKey),
    /// A call with this key runs. The same request may be repeated later. (HTTP: 409)
    #[error("a call with the same idempotency key is in progress")]
    InProgress {
        /// When to ask again.
        retry_after: Duration,
    },
    /// The key was used for something else. It will not get better. (HTTP: 422)
    #[error("the idempotency key was used for a different request")]
    Mismatch,
    /// The records did not answer, so the call was not begun. May be repeated. (HTTP: 503)
    #[error("the call could not be recorded")]
    Records(#[source] RecordsError),
    /// It was done before, but its answer cannot be told any more. (HTTP: 500)
    #[error("the call was completed before")]
    Unreadable(#[source] Unreadable),
    /// The inner service's own error, now or when it ran.
    #[error("the call failed")]
    Inner(#[source] E),
}

impl<E> IdempotencyError<E> {
    /// Whether the same request with the same key may do better later. Of an inner error nothing is known.
    #[must_use]
    pub const fn is_retryable(&self) -> Option<bool> {
        match self {
            Self::InProgress { .. } | Self::Records(_) => Some(true),
            Self::MissingKey | Self::InvalidKey(_) | Self::Mismatch | Self::Unreadable(_) => Some(false),
            Self::Inner(_) => None,
        }
    }
}
