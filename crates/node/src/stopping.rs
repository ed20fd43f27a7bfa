//! Being asked to stop, and what has to be finished before.
//!
//! ```text
//! running ──begin──▶ stopping ──nothing is unfinished──▶ finished
//! ```
//!
//! A process that is asked to stop takes on nothing new and finishes what it took on. What that is, is counted
//! where it happens: each piece of accepted work (a connection, a task that outlives its caller, a step in the
//! background) holds an [`Unfinished`] until it is done. How long that may take is for whoever asked to bound. A
//! process that dies without being asked has no say in it: nothing here is a promise that durability needs.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering::SeqCst};

use tokio::sync::Notify;

/// Whether a node's process was asked to stop, and what it has not finished. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Stopping {
    shared: Arc<Shared>,
}

#[derive(Debug, Default)]
struct Shared {
    begun: AtomicBool,
    asked: Notify,
    unfinished: AtomicUsize,
    finished: Notify,
}

impl Stopping {
    /// Asks to stop; asking twice asks once.
    pub fn begin(&self) {
        self.shared.begun.store(true, SeqCst);
        self.shared.asked.notify_waiters();
    }

    /// Whether it was asked.
    #[must_use]
    pub fn has_begun(&self) -> bool {
        self.shared.begun.load(SeqCst)
    }

    /// Waits until it is asked: for ever, unless somebody does.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn begun(&self) {
        let asked = self.shared.asked.notified();
        if !self.has_begun() {
            asked.await;
        }
    }

    /// Something was taken on: it is unfinished until what is returned is dropped.
    #[must_use = "it is finished when this is dropped"]
    pub fn hold(&self) -> Unfinished {
        self.shared.unfinished.fetch_add(1, SeqCst);
        Unfinished { shared: Arc::clone(&self.shared) }
    }

    /// How many pieces of work are unfinished.
    #[must_use]
    pub fn unfinished(&self) -> usize {
        self.shared.unfinished.load(SeqCst)
    }

    /// Waits until it was asked and nothing is unfinished.
    ///
    /// # Cancel safety
    /// Dropping the future changes nothing.
    pub async fn finished(&self) {
        self.begun().await;
        loop {
            let finished = self.shared.finished.notified();
            if self.unfinished() == 0 {
                return;
            }
            finished.await;
        }
    }
}

/// A piece of accepted work; dropping it says that it is done.
#[derive(Debug)]
pub struct Unfinished {
    shared: Arc<Shared>,
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        // Nobody waits unless it was asked, and whoever waits looks again after this.
        if self.shared.unfinished.fetch_sub(1, SeqCst) == 1 && self.shared.begun.load(SeqCst) {
            self.shared.finished.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;
    use std::pin::pin;
    use std::task::{Context, Waker};

    use super::*;

    fn is_ready(future: impl Future) -> bool {
        pin!(future).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn it_is_finished_when_it_was_asked_and_nothing_is_held() {
        let stopping = Stopping::default();
        assert!(!is_ready(stopping.finished()), "nobody asked");
        let (first, second) = (stopping.hold(), stopping.clone().hold());
        stopping.begin();
        stopping.begin();
        assert!(stopping.has_begun() && is_ready(stopping.begun()));
        drop(first);
        assert!(!is_ready(stopping.finished()));
        assert_eq!(stopping.unfinished(), 1);
        drop(second);
        assert!(is_ready(stopping.finished()));
    }

    #[test]
    fn whoever_waits_is_woken() {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let stopping = Stopping::default();
            let held = stopping.hold();
            let (asker, waiter) = (stopping.clone(), stopping.clone());
            let ask = async move {
                asker.begin();
                tokio::task::yield_now().await;
                drop(held);
            };
            tokio::join!(biased; waiter.finished(), ask);
            assert_eq!(stopping.unfinished(), 0);
        });
    }
}
