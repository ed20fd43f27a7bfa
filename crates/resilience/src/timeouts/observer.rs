//! What a watcher of timeouts is told.

use std::sync::Arc;
use std::time::Duration;

use super::policy::Scope;

/// Told of every end that came too early. All methods do nothing by default.
///
/// They are called while the layer's lock is held: be quick, do not panic, do not call the layer's handle.
pub trait TimeoutObserver: Send + Sync {
    /// Whether anybody looks; asked once, when the layer is made. If not, nothing is reported.
    fn is_watching(&self) -> bool {
        true
    }

    /// So many calls are waited for now.
    fn in_flight(&self, _now: usize) {}

    /// A call was not begun, because there was no time left.
    fn expired(&self, _scope: Scope) {}

    /// A call was begun and given up after so long.
    fn timed_out(&self, _scope: Scope, _after: Duration) {}
}

/// Watches nothing.
impl TimeoutObserver for () {
    fn is_watching(&self) -> bool {
        false
    }
}

impl<O: TimeoutObserver + ?Sized> TimeoutObserver for Arc<O> {
    fn is_watching(&self) -> bool {
        (**self).is_watching()
    }

    fn in_flight(&self, now: usize) {
        (**self).in_flight(now);
    }

    fn expired(&self, scope: Scope) {
        (**self).expired(scope);
    }

    fn timed_out(&self, scope: Scope, after: Duration) {
        (**self).timed_out(scope, after);
    }
}
