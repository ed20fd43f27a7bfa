//! Telling others what follows from an event: many tellers, one publish at a time.
//!
//! Whatever has queued while the broker was busy goes together as the next batch: that costs nobody a wait, and a
//! broker that syncs to disk can take hundreds of events with one sync. Who tells waits until the broker has it, and
//! is told if it may not. A batch whose fate is unknown may be there all the same: it is told again under the same ids.

use std::sync::Arc;

use domain::Message;
use domain::broker::{Broker, BrokerError};
use domain::event::{Envelope, layout};
use node::Node;
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use super::CALL_WITHIN;
use crate::ids::now_us;
use crate::telemetry::Telemetry;

/// How many events may wait to be told; who would be one more waits for a place.
const QUEUE_MAX: usize = 1024;

/// How many are told at a time, at most.
const BATCH_MAX: usize = 256;

/// Tells events. Clones share the queue.
#[derive(Clone, Debug)]
pub(crate) struct Publisher {
    node: Node,
    queue: mpsc::Sender<Telling>,
}

#[derive(Debug)]
struct Telling {
    message: Message,
    told: oneshot::Sender<Result<(), BrokerError>>,
}

impl Publisher {
    /// A publisher of this process.
    pub(crate) fn start(node: &Node, broker: Arc<dyn Broker>, telemetry: &Telemetry) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        // Detached: it ends with its process, or when nobody is left who could tell anything.
        node.spawn(publish(broker, telemetry.clone(), waiting));
        Self { node: node.clone(), queue }
    }

    /// Tells an event, and returns when the broker has it.
    ///
    /// # Errors
    /// When it may not have it.
    ///
    /// # Cancel safety
    /// Dropping the future leaves it unknown whether it is told.
    pub(crate) async fn tell(&self, envelope: &Envelope) -> Result<(), BrokerError> {
        let (told, answer) = oneshot::channel();
        let message = envelope.message(now_us(&self.node));
        let gone = || BrokerError::untouched("nobody publishes any more");
        self.queue.send(Telling { message, told }).await.map_err(|_closed| gone())?;
        answer.await.map_err(|_dropped| BrokerError::unknown("nobody publishes any more"))?
    }
}

async fn publish(broker: Arc<dyn Broker>, telemetry: Telemetry, mut waiting: mpsc::Receiver<Telling>) {
    let mut batch = Vec::with_capacity(BATCH_MAX);
    while waiting.recv_many(&mut batch, BATCH_MAX).await > 0 {
        let messages = batch.iter().map(|telling| telling.message.clone()).collect();
        let result = publish_within(&broker, messages).await;
        for Telling { message, told } in batch.drain(..) {
            if result.is_ok() {
                telemetry.events().published(&message.topic, 1);
            }
            // Who has stopped waiting does not want to know.
            let _gone = told.send(result.clone());
        }
    }
}

/// Publishes, and declares once more what there has to be when a topic is missing.
pub(super) async fn publish_within(
    broker: &Arc<dyn Broker>,
    messages: Vec<Message>,
) -> Result<(), BrokerError> {
    let publish = async {
        match broker.publish(messages.clone()).await {
            Err(BrokerError::NoSuchTopic { topic }) => {
                tracing::warn!(topic, "the topic is missing: it is declared");
                broker.declare(&layout()).await?;
                broker.publish(messages).await
            }
            result => result,
        }
    };
    let late = || BrokerError::unknown(format!("no answer within {} s", CALL_WITHIN.as_secs()));
    timeout(CALL_WITHIN, publish).await.unwrap_or_else(|_elapsed| Err(late()))
}
