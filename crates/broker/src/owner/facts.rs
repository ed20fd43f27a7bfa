//! What the broker tells about itself: for `/metrics`, and as evidence.

use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use crate::engine::Engine;

/// What a broker knows of itself. Counts are since its process began, or since its file was opened again.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Facts {
    /// The topics, by name.
    pub topics: Vec<TopicFacts>,
    /// The groups, by their topics' names and their own.
    pub groups: Vec<GroupFacts>,
    /// Messages that some group has not dealt with.
    pub messages: u64,
    /// How many bytes of them are in memory.
    pub bytes_in_memory: u64,
    /// Fetches that wait for messages.
    pub fetches_waiting: u64,
    /// Why it cannot write, if it cannot.
    pub trouble: Option<String>,
    /// Commits that failed.
    pub failures_total: u64,
}

/// What a broker knows of a topic.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TopicFacts {
    /// Its name.
    pub topic: String,
    /// Messages that were published.
    pub published_total: u64,
}

/// What a broker knows of a group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GroupFacts {
    /// Its topic.
    pub topic: String,
    /// Its name.
    pub group: String,
    /// Messages that nobody has.
    pub waiting: u64,
    /// Messages that a consumer has.
    pub in_flight: u64,
    /// The most that both were together.
    pub lag_max: u64,
    /// Dead letters.
    pub dead_letters: u64,
    /// Messages given out.
    pub delivered_total: u64,
    /// Messages acknowledged.
    pub acknowledged_total: u64,
    /// Messages put off.
    pub retried_total: u64,
    /// Leases that were over.
    pub expired_total: u64,
    /// Messages put aside.
    pub buried_total: u64,
    /// Verdicts that came too late.
    pub stale_total: u64,
}

impl Facts {
    pub(super) fn of(engine: &Engine) -> Self {
        let topics = engine
            .topics()
            .map(|(topic, published_total)| TopicFacts { topic: topic.to_owned(), published_total })
            .collect();
        let groups = engine
            .groups()
            .map(|(topic, group, lag, dead_letters, counts)| GroupFacts {
                topic: topic.to_owned(),
                group: group.to_owned(),
                waiting: lag.waiting,
                in_flight: lag.in_flight,
                lag_max: counts.lag_max,
                dead_letters,
                delivered_total: counts.delivered,
                acknowledged_total: counts.acknowledged,
                retried_total: counts.retried,
                expired_total: counts.expired,
                buried_total: counts.dead_letters,
                stale_total: counts.stale,
            })
            .collect();
        let (messages, bytes_in_memory) = engine.held();
        Self { topics, groups, messages, bytes_in_memory, ..Self::default() }
    }
}

/// The last facts, shared between the owner and whoever reads them.
#[derive(Clone, Debug, Default)]
pub(crate) struct Shown(Arc<Mutex<Facts>>);

impl Shown {
    pub(super) fn show(&self, facts: Facts) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = facts;
    }

    pub(crate) fn read(&self) -> Facts {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}
