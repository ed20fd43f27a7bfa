//! The relay: what stands in the outbox is published, in its order, until the broker has it.
//!
//! It is woken by whoever commits to the outbox, and looks by itself now and then, so that a new process finds what an old
//! one has left. A batch that failed, or whose fate is unknown, is published again with the same ids; one that was
//! published and could not be marked is so as well. Told at least once, then. One batch at a time: the order of the
//! outbox is the order of the topic.
//!
//! Failure looks like this: while the broker is away the outbox grows, order-api accepts and stays ready, and
//! `outbox_pending` tells. With `[consumers]` it grows no further than what can be done in time.

use std::sync::Arc;

use domain::broker::Broker;
use domain::{Message, OutboxMessage, StoreError};
use node::{Gauge, Node};
use thiserror::Error;
use tokio::sync::Notify;

use super::publisher::publish_within;
use crate::design::Outbox;
use crate::outage::Outage;
use crate::telemetry::{OUTBOX_PENDING, Telemetry};

/// Wakes the relay. Clones wake the same one.
#[derive(Clone, Debug)]
pub(crate) struct RelayHandle {
    wake: Arc<Notify>,
}

impl RelayHandle {
    /// Something was committed.
    pub(crate) fn wake(&self) {
        self.wake.notify_one();
    }
}

/// Why a batch was not sent.
#[derive(Debug, Error)]
enum RelayError {
    #[error("the outbox cannot be read or written")]
    Store(#[from] StoreError),
    #[error("the broker did not take the batch")]
    Broker(#[from] domain::broker::BrokerError),
}

#[derive(Debug)]
struct Relay {
    node: Node,
    outbox: Arc<dyn domain::Outbox>,
    broker: Arc<dyn Broker>,
    section: Outbox,
    telemetry: Telemetry,
    pending: Gauge,
    outage: Outage,
}

/// Relays for as long as the process lives.
pub(crate) fn start(
    node: &Node,
    outbox: Arc<dyn domain::Outbox>,
    broker: Arc<dyn Broker>,
    section: &Outbox,
    telemetry: &Telemetry,
) -> RelayHandle {
    let wake = Arc::new(Notify::new());
    let pending = telemetry.gauge(OUTBOX_PENDING);
    let (telemetry, section) = (telemetry.clone(), section.clone());
    let outage = Outage::new("the outbox waits", "the outbox is sent again");
    let relay = Relay { node: node.clone(), outbox, broker, section, telemetry, pending, outage };
    // Detached: it ends with its process.
    node.spawn(relay.run(Arc::clone(&wake)));
    RelayHandle { wake }
}

impl Relay {
    async fn run(self, wake: Arc<Notify>) {
        // What was accepted is sent before the process stops, as far as the broker takes it.
        let _unfinished = self.node.stopping().hold();
        loop {
            let sent = self.send_batch().await;
            let is_stopping = self.node.stopping().has_begun();
            match &sent {
                Ok(_) => self.outage.worked(),
                Err(error) => self.outage.failed(&chain(error)),
            }
            match sent {
                Ok(1..) => continue,
                Ok(0) if is_stopping => return,
                Ok(0) => {}
                Err(_) => {
                    if is_stopping {
                        return;
                    }
                    // Whoever commits now need not be heard: the broker is left alone for a while.
                    tokio::select! {
                        biased;
                        () = self.node.stopping().begun() => {}
                        () = self.node.sleep(self.section.poll_every.get()) => {}
                    }
                    continue;
                }
            }
            tokio::select! {
                biased;
                () = self.node.stopping().begun() => {}
                () = wake.notified() => {}
                () = self.node.sleep(self.section.poll_every.get()) => {}
            }
        }
    }

    /// Sends what has waited longest, and says how many messages that were.
    async fn send_batch(&self) -> Result<usize, RelayError> {
        let batch = self.outbox.pending(0, self.section.batch_max.get() as usize).await?;
        if batch.is_empty() {
            self.pending.set(0);
            return Ok(0);
        }
        self.pending.set(self.outbox.pending_total().await?);
        let (sequences, messages): (Vec<_>, Vec<_>) =
            batch.into_iter().map(|OutboxMessage { sequence, message }| (sequence, message)).unzip();
        let topics: Vec<_> = messages.iter().map(|message: &Message| message.topic.clone()).collect();
        publish_within(&self.broker, messages).await?;
        topics.iter().for_each(|topic| self.telemetry.events().published(topic, 1));
        self.outbox.mark_sent(&sequences).await?;
        Ok(sequences.len())
    }
}

fn chain(error: &RelayError) -> String {
    let cause = std::error::Error::source(error).map(|cause| format!(": {cause}"));
    format!("{error}{}", cause.unwrap_or_default())
}
