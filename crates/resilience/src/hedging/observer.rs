//! What a watcher of hedges is told.

use std::sync::Arc;
use std::time::Duration;

/// One of the two attempts of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Attempt {
    /// The one that the call began with.
    First,
    /// The hedge.
    Second,
}

/// Told of every hedge. All methods do nothing by default.
///
/// They are called while the layer's lock is held: be quick, do not panic, do not call the layer's handle.
pub trait HedgeObserver: Send + Sync {
    /// A call was late after so long, and a second attempt begins.
    fn hedged(&self, _after: Duration) {}

    /// A call was late, and the budget has nothing left for it.
    fn denied(&self) {}

    /// A call that was hedged succeeded with this attempt.
    fn won(&self, _attempt: Attempt) {}
}

/// Watches nothing.
impl HedgeObserver for () {}

impl<O: HedgeObserver + ?Sized> HedgeObserver for Arc<O> {
    fn hedged(&self, after: Duration) {
        (**self).hedged(after);
    }

    fn denied(&self) {
        (**self).denied();
    }

    fn won(&self, attempt: Attempt) {
        (**self).won(attempt);
    }
}
