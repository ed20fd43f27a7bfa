//! The observer: how a constraint is watched from outside.
//!
//! Every change is reported, not a sample of it, so that a gauge behind an observer sees exact maxima.
//! Refusals are reported by the very layer that refuses: metrics placed inside a shedding layer miss
//! what was shed.

use std::time::Duration;

use crate::refusal::Reason;

/// Told of every change of one constraint. All methods do nothing by default.
///
/// They are called while the constraint's lock is held, so that values arrive in the order in which they
/// came about. An implementation must be quick (set a gauge, add to a counter), must not panic and must
/// not call back into the constraint or its handle, which would deadlock.
pub trait Observer: Send + Sync {
    /// Whether anybody looks; asked once, when the constraint is made. If not, nothing is reported, and the
    /// constraint need not put its reports in order, which is what makes it quicker.
    fn is_watching(&self) -> bool {
        true
    }

    /// So many calls hold a permit or a worker now.
    fn in_flight(&self, _now: usize) {}

    /// So many calls wait now.
    fn queue_depth(&self, _now: usize) {}

    /// So many calls may be in flight from now on: a limit was set, or moved by itself.
    fn limit(&self, _now: usize) {}

    /// A call was refused.
    fn refused(&self, _reason: Reason) {}

    /// A call got its worker after waiting so long; zero when it did not have to wait.
    fn waited(&self, _wait: Duration) {}
}

/// Watches nothing.
impl Observer for () {
    fn is_watching(&self) -> bool {
        false
    }
}

impl<O: Observer + ?Sized> Observer for std::sync::Arc<O> {
    fn is_watching(&self) -> bool {
        (**self).is_watching()
    }

    fn in_flight(&self, now: usize) {
        (**self).in_flight(now);
    }

    fn queue_depth(&self, now: usize) {
        (**self).queue_depth(now);
    }

    fn limit(&self, now: usize) {
        (**self).limit(now);
    }

    fn refused(&self, reason: Reason) {
        (**self).refused(reason);
    }

    fn waited(&self, wait: Duration) {
        (**self).waited(wait);
    }
}
