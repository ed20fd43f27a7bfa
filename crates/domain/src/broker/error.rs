//! Why a broker did not do what it was asked.

use thiserror::Error;

use crate::ports::Effect;

/// Why a broker did not do what it was asked. It says itself whether asking again helps
/// ([`BrokerError::is_retryable`]) and whether it may have been done all the same ([`BrokerError::effect`]).
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum BrokerError {
    /// The broker could not be reached, did not answer, or cannot write.
    #[error("the broker is unavailable: {detail}")]
    Unavailable {
        /// For people.
        detail: String,
        /// Whether the call may have been carried out.
        effect: Effect,
    },
    /// Nobody has declared the topic.
    #[error("there is no topic {topic}")]
    NoSuchTopic {
        /// What was asked for.
        topic: String,
    },
    /// Nobody has declared the group.
    #[error("the topic {topic} has no group {group}")]
    NoSuchGroup {
        /// Of which topic.
        topic: String,
        /// What was asked for.
        group: String,
    },
    /// There is no dead letter of that id.
    #[error("there is no dead letter {id}")]
    NoSuchLetter {
        /// What was asked for.
        id: String,
    },
    /// A name that this broker cannot have.
    #[error("{name:?} cannot be the name of a topic or a group: lower-case letters, digits and dashes can")]
    BadName {
        /// What was asked for.
        name: String,
    },
    /// A message is larger than this broker takes.
    #[error("a message of {bytes} bytes is larger than the {bytes_max} that are taken")]
    TooLarge {
        /// How large it is.
        bytes: usize,
        /// How large it may be.
        bytes_max: usize,
    },
}

impl BrokerError {
    /// Unavailable, and certainly nothing has happened.
    #[must_use]
    pub fn untouched(detail: impl Into<String>) -> Self {
        Self::Unavailable { detail: detail.into(), effect: Effect::None }
    }

    /// Unavailable, and nobody can tell whether it has happened.
    #[must_use]
    pub fn unknown(detail: impl Into<String>) -> Self {
        Self::Unavailable { detail: detail.into(), effect: Effect::Unknown }
    }

    /// Whether the same call may succeed later: a topic or a group that is missing may be declared by then.
    #[must_use]
    pub const fn is_retryable(&self) -> bool {
        matches!(self, Self::Unavailable { .. } | Self::NoSuchTopic { .. } | Self::NoSuchGroup { .. })
    }

    /// Whether the call may have changed something.
    #[must_use]
    pub const fn effect(&self) -> Effect {
        match self {
            Self::Unavailable { effect, .. } => *effect,
            Self::NoSuchTopic { .. }
            | Self::NoSuchGroup { .. }
            | Self::NoSuchLetter { .. }
            | Self::BadName { .. }
            | Self::TooLarge { .. } => Effect::None,
        }
    }
}
