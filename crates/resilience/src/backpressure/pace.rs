//! A call that has its place in a leaky bucket and waits for its drop to leak.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::time::{Sleep, sleep};

use super::policy::Terms;
use super::shared::{Entry, Shared};

/// The wait until the promised time. Dropping it leaves a gap: the times behind it are promised already.
pub struct Pace {
    // In a box, because only one strategy of five needs it and every future would have room for it.
    sleep: Pin<Box<Sleep>>,
    shared: Arc<Shared>,
    terms: Terms,
}

impl Pace {
    pub(super) fn new(shared: Arc<Shared>, delay: Duration, terms: Terms) -> Self {
        Self { sleep: Box::pin(sleep(delay)), shared, terms }
    }

    pub(super) fn poll_entry(&mut self, cx: &mut Context<'_>) -> Poll<Entry> {
        ready!(self.sleep.as_mut().poll(cx));
        Poll::Ready(self.shared.enter_behind_front(self.terms))
    }
}

impl fmt::Debug for Pace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Pace").field("terms", &self.terms).finish_non_exhaustive()
    }
}
