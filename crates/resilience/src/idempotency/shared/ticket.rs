//! A place among those who wait for a running call.

use std::sync::Arc;

use tokio::sync::oneshot;

use super::{News, Shared, Verdict};
use crate::idempotency::key::Key;

/// Dropping it leaves. A lead that was already on its way to it goes to the next.
pub(super) struct Ticket {
    shared: Arc<Shared>,
    key: Key,
    number: u64,
    news: oneshot::Receiver<News>,
}

impl Ticket {
    pub(super) const fn new(
        shared: Arc<Shared>,
        key: Key,
        number: u64,
        news: oneshot::Receiver<News>,
    ) -> Self {
        Self { shared, key, number, news }
    }

    pub(super) async fn news(mut self) -> News {
        let news = (&mut self.news).await;
        // A sender is never dropped unused, unless something panicked in its hands.
        news.unwrap_or_else(|_| {
            News::Verdict(Verdict::InProgress { retry_after: self.shared.settings().retry_after })
        })
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        let mut table = self.shared.lock();
        table.waiting -= 1;
        self.shared.observer.waiting(table.waiting);
        let flight = table.flights.get_mut(&self.key);
        let sender = flight.and_then(|flight| flight.waiters.remove(&self.number));
        drop(table);
        drop(sender);
    }
}
