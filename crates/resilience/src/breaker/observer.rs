//! What a watcher of a breaker is told.

use std::sync::Arc;
use std::time::Duration;

use super::policy::Transition;
use crate::refusal::Refusal;

/// Told of every change and every refusal. All methods do nothing by default.
///
/// They are called while the breaker's lock is held, in the order in which things came about: be quick, do
/// not panic, do not call the breaker's handle.
pub trait BreakerObserver: Send + Sync {
    /// It is in another state now.
    fn transition(&self, _transition: Transition) {}

    /// A call was refused.
    fn refused(&self, _refusal: Refusal) {}

    /// A call was judged. Those that were cancelled, or began in another state, are not.
    fn judged(&self, _failed: bool, _took: Duration) {}
}

/// Watches nothing.
impl BreakerObserver for () {}

impl<O: BreakerObserver + ?Sized> BreakerObserver for Arc<O> {
    fn transition(&self, transition: Transition) {
        (**self).transition(transition);
    }

    fn refused(&self, refusal: Refusal) {
        (**self).refused(refusal);
    }

    fn judged(&self, failed: bool, took: Duration) {
        (**self).judged(failed, took);
    }
}
