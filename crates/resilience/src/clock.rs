//! From tokio's instants to the plain durations that policies reckon in.

use std::sync::OnceLock;
use std::time::Duration;

use tokio::time::Instant;

/// Time since this clock was first read.
///
/// The origin is taken at the first reading and not when the clock is made: a layer may be built before
/// the (paused) runtime it will run in, and the two may disagree about the time.
#[derive(Debug, Default)]
pub(crate) struct Clock {
    origin: OnceLock<Instant>,
}

impl Clock {
    /// Never goes back beyond zero; 0 at the first reading.
    #[inline]
    pub(crate) fn now(&self) -> Duration {
        let now = Instant::now();
        now.saturating_duration_since(*self.origin.get_or_init(|| now))
    }

    /// Another instant by this clock; zero for what was before its origin.
    pub(crate) fn at(&self, instant: Instant) -> Duration {
        instant.saturating_duration_since(*self.origin.get_or_init(Instant::now))
    }
}
