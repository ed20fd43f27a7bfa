//! What can be set, also at run time.

use std::time::Duration;

/// What happens to a duplicate while the first call runs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// It is refused ([`IdempotencyError::InProgress`](super::IdempotencyError::InProgress)): for an edge,
    /// where the caller can come back.
    Reject,
    /// It waits for the result of the first, and never reaches the service inside: no permit, no slot.
    Join,
}

/// What happens to the key of a call that was dropped while it ran (its caller left, or it panicked).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OnDrop {
    /// It is free: one of those who wait takes over, or the next duplicate runs. Right where a second run
    /// does no harm: what is inside is idempotent itself, or was interrupted together with its future.
    Release,
    /// It stays in flight until its lease is over, and those who wait are refused: nobody knows what the
    /// dropped call has done. Right where something inside goes on without its caller.
    Hold,
}

/// Whether a request must have a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyRule {
    /// Without one it is refused ([`IdempotencyError::MissingKey`](super::IdempotencyError::MissingKey)).
    Required,
    /// Without one it runs, unprotected.
    Optional,
}

/// How a layer deals with keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct IdempotencySettings {
    /// What happens to duplicates of a running call. Default: reject.
    pub mode: Mode,
    /// What happens to the key of a dropped call. Default: release.
    pub on_drop: OnDrop,
    /// Whether there must be a key. Default: required.
    pub key: KeyRule,
    /// How long a call that crashed keeps its key. Must be longer than any call may take (its deadline),
    /// or a duplicate runs beside it. Default: 60 s.
    pub lease: Duration,
    /// How long an answer is replayed. To be published to callers. Default: 24 h.
    pub keep: Duration,
    /// When those who are refused because of a running call may ask again. Default: 1 s.
    pub retry_after: Duration,
    /// The most duplicates that wait, over all keys. More are refused. Default: 1024.
    pub waiting_max: usize,
    /// The most keys of dropped calls that are remembered until they can be settled. More are left to
    /// their lease. Default: 1024.
    pub leftovers_max: usize,
}

impl Default for IdempotencySettings {
    fn default() -> Self {
        Self {
            mode: Mode::Reject,
            on_drop: OnDrop::Release,
            key: KeyRule::Required,
            lease: Duration::from_secs(60),
            keep: Duration::from_secs(24 * 60 * 60),
            retry_after: Duration::from_secs(1),
            waiting_max: 1024,
            leftovers_max: 1024,
        }
    }
}
