//! How a layer is watched.

/// What happened to one call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Event {
    /// It runs.
    Began,
    /// It waits for the one that runs.
    Joined,
    /// It waited, and runs now, because the one that ran left nothing.
    TookOver,
    /// It was answered with a result that it did not produce: stored, or of the one it waited for.
    Replayed,
    /// Refused: a call with its key runs.
    InProgress,
    /// Refused: its key was used for something else.
    Mismatch,
    /// Refused: it has no key.
    MissingKey,
    /// Refused: its key is none.
    InvalidKey,
    /// Its answer was stored.
    Stored,
    /// It ended with a result that is not stored, and its key is free.
    Abandoned,
    /// It was dropped while it ran.
    Dropped,
    /// Its answer came after its lease, and another has the key: the lease is too short.
    Lost,
    /// The records failed it.
    RecordsFailed,
}

impl Event {
    /// All events.
    pub const ALL: [Self; 13] = [
        Self::Began,
        Self::Joined,
        Self::TookOver,
        Self::Replayed,
        Self::InProgress,
        Self::Mismatch,
        Self::MissingKey,
        Self::InvalidKey,
        Self::Stored,
        Self::Abandoned,
        Self::Dropped,
        Self::Lost,
        Self::RecordsFailed,
    ];

    /// A stable name, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Began => "began",
            Self::Joined => "joined",
            Self::TookOver => "took-over",
            Self::Replayed => "replayed",
            Self::InProgress => "in-progress",
            Self::Mismatch => "mismatch",
            Self::MissingKey => "missing-key",
            Self::InvalidKey => "invalid-key",
            Self::Stored => "stored",
            Self::Abandoned => "abandoned",
            Self::Dropped => "dropped",
            Self::Lost => "lost",
            Self::RecordsFailed => "records-failed",
        }
    }
}

/// Told of everything that happens. Does nothing by default.
///
/// The gauges are reported while the layer's lock is held, so that they arrive in order; an implementation
/// must be quick, must not panic and must not call back into the layer or its handle.
pub trait IdempotencyObserver: Send + Sync {
    /// Something happened to a call.
    fn event(&self, _event: Event) {}

    /// So many keys are in flight here now.
    fn in_flight(&self, _now: usize) {}

    /// So many duplicates wait now.
    fn waiting(&self, _now: usize) {}
}

/// Watches nothing.
impl IdempotencyObserver for () {}

impl<O: IdempotencyObserver + ?Sized> IdempotencyObserver for std::sync::Arc<O> {
    fn event(&self, event: Event) {
        (**self).event(event);
    }

    fn in_flight(&self, now: usize) {
        (**self).in_flight(now);
    }

    fn waiting(&self, now: usize) {
        (**self).waiting(now);
    }
}
