//! How a call through a worker pool can end badly.

use thiserror::Error;

use crate::held::Refusing;
use crate::refusal::Refusal;

/// Refused because there was no room, or failed inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BackpressureError<E> {
    /// No room, or no turn in time; nothing was begun.
    #[error("not taken on")]
    Refused(#[source] Refusal),
    /// The inner service's own error.
    #[error("the call failed")]
    Inner(#[source] E),
}

impl<E> BackpressureError<E> {
    /// The refusal, if it is one.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Inner(_) => None,
        }
    }
}

impl<E> Refusing<E> for BackpressureError<E> {
    fn refused(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }

    fn inner(error: E) -> Self {
        Self::Inner(error)
    }
}
