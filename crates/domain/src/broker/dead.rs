//! Dead letters: messages that a group has put aside, for people to look at.

use std::fmt::Debug;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use super::BrokerError;
use crate::outbox::Message;

/// A message that a group has put aside.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetter {
    /// What it is called by, unique within its broker. Letters of one broker sort by it in the order in which they died.
    pub id: String,
    /// Who has put it aside.
    pub group: String,
    /// The message, as it was published.
    pub message: Message,
    /// How often it was tried.
    pub attempts: u32,
    /// Why it was put aside, for people.
    pub reason: String,
    /// When, in µs of the timeline of the broker (or of its consumer).
    pub at_us: u64,
    /// The attempts that failed before, oldest first, as far as the broker remembers them.
    pub history: Vec<FailedAttempt>,
}

/// An attempt that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedAttempt {
    /// Which, from 1.
    pub attempt: u32,
    /// When it was given up.
    pub at_us: u64,
    /// By whom.
    pub consumer: String,
    /// Why, for people.
    pub reason: String,
}

/// Which dead letters are meant. The default is all.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct DeadLetterFilter {
    /// Only those of this topic.
    pub topic: Option<String>,
    /// Only those of this group.
    pub group: Option<String>,
}

impl DeadLetterFilter {
    /// Whether a letter is meant.
    #[must_use]
    pub fn takes(&self, topic: &str, group: &str) -> bool {
        self.topic.as_deref().is_none_or(|wanted| wanted == topic)
            && self.group.as_deref().is_none_or(|wanted| wanted == group)
    }
}

/// What people do with dead letters.
#[async_trait]
pub trait DeadLetters: Debug + Send + Sync {
    /// The letters that the filter takes whose id is above `after` (all when it is empty), by id, at most `limit`.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`].
    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: &str,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, BrokerError>;

    /// One letter.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`], [`BrokerError::NoSuchLetter`].
    async fn show(&self, id: &str) -> Result<DeadLetter, BrokerError>;

    /// Gives a letter out again as if for the first time ([`Capabilities::replays_to`](super::Capabilities)); it is no
    /// dead letter any more.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`], after an unknown one it may be there twice; [`BrokerError::NoSuchLetter`].
    async fn replay(&self, id: &str) -> Result<(), BrokerError>;

    /// Throws a letter away.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`], [`BrokerError::NoSuchLetter`].
    async fn purge(&self, id: &str) -> Result<(), BrokerError>;

    /// How many letters the filter takes.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`].
    async fn total(&self, filter: &DeadLetterFilter) -> Result<u64, BrokerError>;
}
