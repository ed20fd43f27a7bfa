//! A consumer of the embedded broker.

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use domain::broker::{BrokerError, Consumer, Delivery, Receipt, Settlement, Subscription};
use tokio::time::Instant;

use super::batch::Batcher;
use super::calls::{Calls, garbled};
use crate::wire::{
    Body, Extend, FETCH_MAX, Fetch, Fetched, Seat, Settle, SettleAnswer, Settled, WAIT_MAX, encode, micros,
};

/// How long a fetch that failed takes at least, so that whoever asks again at once does not ask in circles.
const PAUSE: Duration = Duration::from_millis(100);

/// A consumer.
pub(super) struct Member {
    calls: Calls,
    subscription: Subscription,
    seat: Seat,
    settlements: Batcher<Vec<Settled>, usize>,
}

impl fmt::Debug for Member {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Member").field("seat", &self.seat).finish_non_exhaustive()
    }
}

impl Member {
    pub(super) fn new(calls: Calls, subscription: Subscription, session: u64) -> Self {
        let Subscription { topic, group, .. } = subscription.clone();
        let seat = Seat { topic, group, session };
        let (sender, place) = (calls.clone(), seat.clone());
        let settlements = Batcher::new(&calls.node, calls.options.answer_within, Vec::len, move |calls| {
            let (sender, seat) = (sender.clone(), place.clone());
            Box::pin(async move {
                let body = encode(&Settle { seat, calls });
                let stale: SettleAnswer = sender.binary("/v1/settle", body).await?;
                Ok(stale.into_iter().map(|count| Ok(count as usize)).collect())
            })
        });
        Self { calls, subscription, seat, settlements }
    }

    async fn ask(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BrokerError> {
        let fetch = Fetch {
            seat: self.seat.clone(),
            consumer: self.subscription.consumer.clone(),
            lease_us: micros(self.subscription.lease),
            in_flight_max: self.subscription.in_flight_max as u64,
            max: max.min(FETCH_MAX) as u64,
            wait_us: micros(wait),
        };
        let answer = self.calls.bytes("/v1/fetch", encode(&fetch), wait).await?;
        let fetched: Vec<Fetched<'_>> = postcard::from_bytes(&answer).map_err(|error| garbled(&error))?;
        let delivery = |fetched: &Fetched<'_>| {
            let message = Body::read(fetched.body)?.message(&self.seat.topic, fetched.key)?;
            let receipt = Receipt { message: fetched.id, delivery: fetched.delivery };
            Some(Delivery { message, attempt: fetched.attempt, receipt })
        };
        let deliveries: Option<Vec<_>> = fetched.iter().map(delivery).collect();
        deliveries.ok_or_else(|| BrokerError::unknown("the answer holds a message that cannot be read"))
    }
}

#[async_trait]
impl Consumer for Member {
    async fn fetch(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BrokerError> {
        if max == 0 {
            return Ok(Vec::new());
        }
        let until = Instant::now() + wait;
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let fetched = self.ask(max, left.min(WAIT_MAX)).await;
            match fetched {
                Ok(fetched) if fetched.is_empty() && Instant::now() < until => {}
                Ok(fetched) => return Ok(fetched),
                Err(error) => {
                    self.calls.node.sleep(PAUSE).await;
                    return Err(error);
                }
            }
        }
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<usize, BrokerError> {
        if settlements.is_empty() {
            return Ok(0);
        }
        self.settlements.call(settlements.into_iter().map(Settled::from).collect()).await
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<usize, BrokerError> {
        if receipts.is_empty() {
            return Ok(0);
        }
        let receipts = receipts.iter().map(|receipt| (receipt.message, receipt.delivery)).collect();
        let body = encode(&Extend { seat: self.seat.clone(), receipts });
        let stale: u32 = self.calls.binary("/v1/extend", body).await?;
        Ok(stale as usize)
    }

    async fn close(&self) {
        // Where the broker is not reached, the leases are over in time.
        let _unreached = self.calls.bytes("/v1/close", encode(&self.seat), Duration::ZERO).await;
    }
}
