//! How a call with a deadline can end badly.

use std::time::Duration;

use thiserror::Error;

use super::policy::Scope;
use crate::class::Effect;

/// Too late to begin, too late to end, or failed inside.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum TimeoutError<E> {
    /// The deadline had passed before the call was begun: it had no effect.
    #[error("no time was left to begin")]
    Expired {
        /// Whose deadline.
        scope: Scope,
    },
    /// The call was begun and did not end in time: its effect is unknown.
    #[error("no answer within {after:?}")]
    TimedOut {
        /// Whose deadline.
        scope: Scope,
        /// How long it was waited for.
        after: Duration,
    },
    /// The inner service's own error.
    #[error("the call failed in time")]
    Inner(#[source] E),
}

impl<E> TimeoutError<E> {
    /// What the call may have done; `None` when only the inner error can tell.
    pub const fn effect(&self) -> Option<Effect> {
        match self {
            Self::Expired { .. } => Some(Effect::None),
            Self::TimedOut { .. } => Some(Effect::Unknown),
            Self::Inner(_) => None,
        }
    }
}
