//! The port: where the records of keys are kept. In memory, or in whatever outlives the process.
//!
//! `async_trait` and `Arc<dyn …>`, because an adapter is picked at run time. Each operation is atomic:
//! of two callers that [`begin`](IdempotencyRecords::begin) one key at once, one gets it. The rules
//! themselves are pure ([`Record`](super::policy::Record)), so an adapter with transactions reads a record,
//! asks the rule and writes what it says. What an adapter has to do in detail is
//! [`contract`](super::contract).
//!
//! All times are durations since one origin that every user of the records shares: the Unix epoch where
//! records outlive the process.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use super::key::{Fingerprint, Key};

/// Who holds a key that is in flight.
///
/// It is chosen by the holder and not by the store, so that a holder that never heard the answer to its
/// `begin` can still say which record is its own. It also fences: whoever lost its record (the lease ran
/// out, and another took the key) cannot complete it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Claim {
    /// The process. Different for each one *and for each start of it*: a random number, or its start time.
    pub owner: u64,
    /// Which of its claims.
    pub number: u64,
}

/// A stored answer: bytes that only the caller's [`Scheme`](super::Scheme) understands. Cheap to clone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Answer(pub Arc<[u8]>);

impl From<Vec<u8>> for Answer {
    fn from(bytes: Vec<u8>) -> Self {
        Self(bytes.into())
    }
}

/// What a call that wants to run says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ask {
    /// Its key.
    pub key: Key,
    /// What it is about.
    pub fingerprint: Fingerprint,
    /// Under which claim it would run.
    pub claim: Claim,
    /// The time.
    pub now: Duration,
    /// Until when it holds the key at most: when it has crashed, others may run after that.
    pub lease_until: Duration,
}

/// What the records say to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Beginning {
    /// The key is its own: it runs.
    Begun,
    /// Another claim has the key.
    InFlight {
        /// At most until then.
        until: Duration,
    },
    /// It was done before, with this answer.
    Completed(Answer),
    /// The key stands for something else.
    Mismatch,
}

/// What became of a completion.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Completion {
    /// The answer is stored (or was, by the same claim).
    Stored,
    /// The claim does not hold the key any more. Nothing was changed.
    Lost,
}

/// The records failed. Whether the operation took place is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum RecordsError {
    /// No room, and nothing that may be forgotten: everything is in flight.
    #[error("there is no room for more than {records_max} idempotency records")]
    Full {
        /// The bound.
        records_max: usize,
    },
    /// The store cannot be reached, or failed.
    #[error("the idempotency records are unavailable: {reason}")]
    Unavailable {
        /// In the store's words.
        reason: String,
    },
}

/// Records of keys. See the module.
#[async_trait]
pub trait IdempotencyRecords: Debug + Send + Sync {
    /// Asks for a key. It is given when there is no record, when the record's time is over, and when the
    /// same claim asks again (its lease is then prolonged).
    ///
    /// # Errors
    /// When the records fail.
    async fn begin(&self, ask: &Ask) -> Result<Beginning, RecordsError>;

    /// Stores the answer, to be replayed until `keep_until`. Idempotent: the first answer of a claim stays.
    /// A claim whose lease has run out may still complete, as long as nobody else took the key.
    ///
    /// # Errors
    /// When the records fail.
    async fn complete(
        &self,
        key: &Key,
        claim: Claim,
        answer: &Answer,
        keep_until: Duration,
    ) -> Result<Completion, RecordsError>;

    /// Frees a key whose call left nothing to store. True when the claim held it in flight; otherwise
    /// nothing is changed.
    ///
    /// # Errors
    /// When the records fail.
    async fn abandon(&self, key: &Key, claim: Claim) -> Result<bool, RecordsError>;

    /// Forgets the records whose time is over, and says how many those were. Nobody has to call it for the
    /// sake of correctness: it makes room.
    ///
    /// # Errors
    /// When the records fail.
    async fn expire(&self, now: Duration) -> Result<usize, RecordsError>;
}
