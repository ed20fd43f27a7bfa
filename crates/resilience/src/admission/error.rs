//! How a call through admission can end badly.

use thiserror::Error;

use crate::held::Refusing;
use crate::refusal::Refusal;

/// Refused at the door, or failed inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum AdmissionError<E> {
    /// Not let in; nothing was begun.
    #[error("not admitted")]
    Refused(#[source] Refusal),
    /// The inner service's own error.
    #[error("the admitted call failed")]
    Inner(#[source] E),
}

impl<E> AdmissionError<E> {
    /// The refusal, if it is one.
    pub const fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            Self::Inner(_) => None,
        }
    }
}

impl<E> Refusing<E> for AdmissionError<E> {
    fn refused(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }

    fn inner(error: E) -> Self {
        Self::Inner(error)
    }
}
