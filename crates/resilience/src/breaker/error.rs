//! How a call through a breaker can end badly.

use thiserror::Error;

use crate::held::Refusing;
use crate::refusal::Refusal;

/// Refused because the dependency is left alone, or failed inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum BreakerError<E> {
    /// Not let through; nothing was begun.
    #[error("the dependency is left alone")]
    Refused(#[source] Refusal),
    /// The inner service's own error.
    #[error("the call failed")]
    Inner(#[source] E),
}

impl<E> BreakerError<E> {
    /// The refusal, if it is one.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Inner(_) => None,
        }
    }
}

impl<E> Refusing<E> for BreakerError<E> {
    fn refused(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }

    fn inner(error: E) -> Self {
        Self::Inner(error)
    }
}
