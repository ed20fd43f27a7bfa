//! What the layer has to be told about requests and answers, because it knows neither.

use thiserror::Error;

use super::key::{Fingerprint, InvalidKey, Key};
use super::records::Answer;

/// Which call a request is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Identity {
    /// Its key.
    pub key: Key,
    /// What it is about.
    pub fingerprint: Fingerprint,
}

/// What is to become of a result.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keep {
    /// Stored, and replayed to every duplicate until it expires: whatever is final. A success, and a no
    /// that will stay one (a declined payment).
    Store(Answer),
    /// Not stored, but good enough for those who wait for this very run: a failure that may pass. The key
    /// is free again.
    Share(Answer),
    /// Neither: of those who wait, the next one runs. What was wrong with the request (it failed its
    /// validation) belongs here, as does a failure that cannot be turned into bytes.
    Forget,
}

/// A stored answer that cannot be read: of another version, or damaged.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the stored answer cannot be read")]
pub struct Unreadable;

/// How requests are told apart and how their answers are kept. Pure and quick: it is called in the caller's poll.
pub trait Scheme<R> {
    /// The service's response.
    type Response;
    /// The service's error.
    type Error;

    /// Which call this is; `None` for a request without a key.
    ///
    /// # Errors
    /// When it has one that is none.
    fn identify(&self, request: &R) -> Result<Option<Identity>, InvalidKey>;

    /// Whether and as what a result is kept. Bounding the length of what is stored is up to the scheme.
    fn keep(&self, result: &Result<Self::Response, Self::Error>) -> Keep;

    /// The result that was kept as this answer. It may mark it as a replay.
    ///
    /// # Errors
    /// When the answer cannot be read.
    fn replay(&self, answer: &Answer) -> Result<Result<Self::Response, Self::Error>, Unreadable>;
}
