//! What a watcher of retries is told.

use std::sync::Arc;
use std::time::Duration;

use super::hooks::Trail;
use crate::class::Class;

/// Told of every attempt, pause and end. All methods do nothing by default.
///
/// They are called while the layer's lock is held: be quick, do not panic, do not call the layer's handle.
pub trait RetryObserver: Send + Sync {
    /// Whether anybody looks; asked once, when the layer is made. If not, nothing is reported.
    fn is_watching(&self) -> bool {
        true
    }

    /// Attempt number `attempt` begins; the first is 1.
    fn attempt(&self, _attempt: u32) {}

    /// There will be another attempt after a pause, because the last one was of this class.
    fn retry(&self, _class: Class, _after: Duration) {}

    /// So many calls pause now.
    fn pausing(&self, _now: usize) {}

    /// A call has its result. Those that are cancelled have none.
    fn concluded(&self, _trail: Trail) {}
}

/// Watches nothing.
impl RetryObserver for () {
    fn is_watching(&self) -> bool {
        false
    }
}

impl<O: RetryObserver + ?Sized> RetryObserver for Arc<O> {
    fn is_watching(&self) -> bool {
        (**self).is_watching()
    }

    fn attempt(&self, attempt: u32) {
        (**self).attempt(attempt);
    }

    fn retry(&self, class: Class, after: Duration) {
        (**self).retry(class, after);
    }

    fn pausing(&self, now: usize) {
        (**self).pausing(now);
    }

    fn concluded(&self, trail: Trail) {
        (**self).concluded(trail);
    }
}
