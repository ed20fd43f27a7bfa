//! The system's clock, read in this one place.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// Time since the Unix epoch by the system's clock; zero if the clock stands before it.
#[expect(clippy::disallowed_methods, reason = "the one place that may read the wall clock")]
pub(crate) fn system_wall_clock() -> Duration {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default()
}
