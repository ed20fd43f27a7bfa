//! The broker port: what the services need of whatever carries their events.
//!
//! A *topic* takes messages. A *group* of consumers gets every message of its topic at least once, each of them to
//! one consumer at a time: that one holds it under a *lease* and says what became of it ([`Verdict`]). Without a word
//! until the lease is over it is given out again. Which topics and groups there are is declared before anything is
//! published ([`Layout`]), so that no message is missed by a group whose first consumer comes late.
//!
//! ```text
//! published ──▶ waiting ──fetch──▶ in flight ──Ack──▶ done
//!                  ▲                  ├──RetryAfter──▶ waiting, not before its time
//!                  └──lease over──────┤
//!                                     └──Dead──▶ dead letter
//! ```
//!
//! Nothing here promises *exactly once*. A publish whose answer was lost is *unknown* ([`BrokerError::effect`]): it is
//! published again with the same event id, and whoever consumes knows by that id what it has seen. What brokers
//! differ in they say themselves ([`Capabilities`]).

mod dead;
mod error;

use std::fmt::Debug;
use std::time::Duration;

use async_trait::async_trait;

pub use self::dead::{DeadLetter, DeadLetterFilter, DeadLetters, FailedAttempt};
pub use self::error::BrokerError;
use crate::outbox::Message;

/// Something that carries messages from those who publish to those who consume.
#[async_trait]
pub trait Broker: Debug + Send + Sync {
    /// What it can do, and what it cannot.
    fn capabilities(&self) -> Capabilities;

    /// Makes sure that these topics and groups are there. Idempotent; what else is there stays. A new group gets what
    /// its topic still holds, and everything that is published from now on.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`]; [`BrokerError::BadName`] for names that this broker cannot have.
    async fn declare(&self, layout: &[Layout]) -> Result<(), BrokerError>;

    /// Publishes messages, each on its topic, and returns when all of them are as durable as this broker makes them.
    /// After an error with [`Effect::Unknown`](crate::Effect) any of them may have been published.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`], [`BrokerError::NoSuchTopic`], [`BrokerError::TooLarge`].
    ///
    /// # Cancel safety
    /// Dropping the future leaves it unknown which of them are published.
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BrokerError>;

    /// Joins a group as one of its consumers.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`], [`BrokerError::NoSuchTopic`], [`BrokerError::NoSuchGroup`].
    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, BrokerError>;

    /// What a group has not dealt with yet, and how much it has put aside.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`], [`BrokerError::NoSuchTopic`], [`BrokerError::NoSuchGroup`].
    async fn lag(&self, topic: &str, group: &str) -> Result<Lag, BrokerError>;

    /// Whether it can be reached and takes messages right now.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`] when it cannot.
    async fn check(&self) -> Result<(), BrokerError>;
}

/// One consumer of a group. It may be asked from several tasks at once.
#[async_trait]
pub trait Consumer: Debug + Send + Sync {
    /// The next messages, at least one of them unless the wait is over first; at most `max`.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`]; asking again is all there is to do, as the subscription is renewed by itself.
    ///
    /// # Cancel safety
    /// Dropping the future may leave messages leased to this consumer until their leases are over.
    async fn fetch(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BrokerError>;

    /// Says what became of messages, and returns how many of them were not this consumer's any more: their leases were
    /// over, or they moved to another consumer, and what is said of them has no effect. Durable when it returns, as far
    /// as this broker makes anything durable.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`], after which any of it may have had its effect; saying it again does no harm.
    async fn settle(&self, settlements: Vec<Settlement>) -> Result<usize, BrokerError>;

    /// Begins the leases of these anew, and returns how many were not this consumer's any more.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`].
    async fn extend(&self, receipts: &[Receipt]) -> Result<usize, BrokerError>;

    /// Leaves the group: what this consumer holds is given out again at once, where the broker is reached.
    async fn close(&self);
}

/// A topic, and the groups that get what is published on it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Layout {
    /// Lower-case letters, digits and dashes.
    pub topic: String,
    /// The same kind of names.
    pub groups: Vec<String>,
}

impl Layout {
    /// A topic and its groups.
    #[must_use]
    pub fn new(topic: &str, groups: &[&str]) -> Self {
        Self { topic: topic.to_owned(), groups: groups.iter().map(|group| (*group).to_owned()).collect() }
    }
}

/// How a consumer joins a group.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Subscription {
    /// The topic.
    pub topic: String,
    /// The group.
    pub group: String,
    /// The consumer's own name, for people and for those brokers that want one.
    pub consumer: String,
    /// How long it may say nothing about a message before that is given out again.
    pub lease: Duration,
    /// How many messages it holds at once, at most.
    pub in_flight_max: usize,
}

impl Subscription {
    /// How many messages a consumer holds at once unless it says otherwise.
    pub const IN_FLIGHT_MAX: usize = 256;
    /// How long a consumer may say nothing unless it says otherwise.
    pub const LEASE: Duration = Duration::from_secs(30);

    /// A consumer of a group, with the usual lease and bound.
    #[must_use]
    pub fn new(topic: &str, group: &str, consumer: &str) -> Self {
        Self {
            topic: topic.to_owned(),
            group: group.to_owned(),
            consumer: consumer.to_owned(),
            lease: Self::LEASE,
            in_flight_max: Self::IN_FLIGHT_MAX,
        }
    }
}

/// A message in the hands of a consumer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    /// The message, as it was published.
    pub message: Message,
    /// Which time it is given to anybody of the group, from 1. A lower bound: a broker that died may have forgotten some.
    pub attempt: u32,
    /// What to call it by.
    pub receipt: Receipt,
}

/// What a consumer calls a delivery by. Its numbers mean something to the adapter only.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Receipt {
    /// Which message.
    pub message: u64,
    /// Which delivery of it.
    pub delivery: u64,
}

/// What became of a delivery.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement {
    /// Of which.
    pub receipt: Receipt,
    /// What.
    pub verdict: Verdict,
}

/// What becomes of a message that was delivered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It is dealt with: the group does not get it again.
    Ack,
    /// Not now. The group gets it again, not before the delay is over.
    RetryAfter {
        /// How long not.
        delay: Duration,
        /// Why, for people.
        reason: String,
    },
    /// Never: it is put aside as a dead letter.
    Dead {
        /// Why, for people.
        reason: String,
    },
}

/// What a group has not dealt with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Lag {
    /// Messages that nobody has, those included that may not be given out yet.
    pub waiting: u64,
    /// Messages that a consumer has.
    pub in_flight: u64,
    /// Its dead letters, which are no part of what is to be dealt with. `None` where the broker does not know yet: it never
    /// makes anybody wait for this.
    pub dead_letters: Option<u64>,
}

impl Lag {
    /// What is waiting and what is in flight.
    #[must_use]
    pub const fn total(self) -> u64 {
        self.waiting.saturating_add(self.in_flight)
    }
}

/// How large a payload every broker takes, in bytes: what is larger belongs into a store, and its place into the message.
pub const PAYLOAD_BYTES_MAX: usize = 256 * 1024;

/// What a broker can do, for those who rely on it, and for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// What it is called.
    pub name: &'static str,
    /// In which order a group gets messages.
    pub order: Ordering,
    /// What an acknowledged publish survives.
    pub survives: Survives,
    /// How long a second publish with the same event id is dropped by the broker; `None` when it never is.
    pub deduplicates_for: Option<Duration>,
    /// How many consumers of a group can be busy at once; `None` for any number.
    pub parallelism_max: Option<u32>,
    /// How large a payload it takes, in bytes; [`BrokerError::TooLarge`] beyond. At least [`PAYLOAD_BYTES_MAX`].
    pub payload_bytes_max: usize,
    /// Whether the lag is exact, or an estimate.
    pub lag_is_exact: bool,
    /// Who gets a dead letter that is replayed.
    pub replays_to: ReplaysTo,
}

/// In which order a group gets messages.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ordering {
    /// Messages of one key one after the other, also when one of them has to be repeated.
    PerKey,
    /// Messages of one key in their order, until one of them is repeated.
    PerKeyUntilRepeated,
    /// As they were published, until one of them is repeated.
    AsPublishedUntilRepeated,
}

/// What an acknowledged publish survives.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survives {
    /// The loss of power: it was synced to disk.
    PowerLoss,
    /// The death of the broker's process; what the system had not written yet is lost with the power.
    ProcessDeath,
}

/// Who gets a dead letter that is replayed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReplaysTo {
    /// The group that had put it aside.
    Group,
    /// Every group of the topic; those that have dealt with it know it by its id.
    Topic,
}
