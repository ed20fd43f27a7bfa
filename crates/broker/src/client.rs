//! The client: the port over HTTP.
//!
//! What many tasks say at the same time goes in one request: a call is sent at once when nothing is under way, and
//! otherwise with whatever has queued until the request before it is answered. There is no timer. So a service that
//! publishes or settles from hundreds of tasks costs the broker a few requests, each of them one commit.
//!
//! Nothing has to be renewed after a restart of the broker: a consumer's number stays its own, and what it held before
//! is given out again.
//!
//! Every call has a deadline. A call that was sent and not answered is *unknown*.

mod batch;
mod calls;
mod consumer;
mod letters;

use std::fmt;
use std::time::Duration;

use async_trait::async_trait;
use domain::Message;
use domain::broker::{
    Broker, BrokerError, Capabilities, Consumer, Lag, Layout, Ordering, PAYLOAD_BYTES_MAX, ReplaysTo,
    Subscription, Survives,
};
use node::Node;

use self::batch::Batcher;
use self::calls::Calls;
use self::consumer::Member;
use crate::owner::Facts;
use crate::server::check;
use crate::wire::{Behind, Body, Declared, Place, Publish, PublishAnswer, Published, REQUEST_BYTES, encode};

/// How a client waits.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientOptions {
    /// How long an answer may take, beyond what a fetch waits. Default 10 s.
    pub answer_within: Duration,
}

impl Default for ClientOptions {
    fn default() -> Self {
        Self { answer_within: Duration::from_secs(10) }
    }
}

/// A message with its body written out.
#[derive(Debug)]
struct Written {
    topic: String,
    key: String,
    body: Vec<u8>,
}

impl Written {
    fn published(&self) -> Published<'_> {
        Published { topic: &self.topic, key: &self.key, body: &self.body }
    }
}

/// The embedded broker, reached over a node's network.
pub struct Client {
    calls: Calls,
    publishes: Batcher<Vec<Written>, ()>,
}

impl fmt::Debug for Client {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").field("calls", &self.calls).finish_non_exhaustive()
    }
}

impl Client {
    /// A client of `node` for the broker on that host. Nothing is sent yet.
    #[must_use]
    pub fn new(node: &Node, host: &str, port: u16) -> Self {
        Self::with(node, host, port, ClientOptions::default())
    }

    /// The same, with options.
    #[must_use]
    pub fn with(node: &Node, host: &str, port: u16, options: ClientOptions) -> Self {
        let calls = Calls::new(node, host, port, options);
        let sender = calls.clone();
        let weigh = |call: &Vec<Written>| call.iter().map(weight).sum();
        let publishes = Batcher::new(node, options.answer_within, weigh, move |calls| {
            let sender = sender.clone();
            Box::pin(async move { publish(&sender, calls).await })
        });
        Self { calls, publishes }
    }

    /// What the broker knows of itself.
    ///
    /// # Errors
    /// [`BrokerError::Unavailable`].
    pub async fn facts(&self) -> Result<Facts, BrokerError> {
        self.calls.get("/v1/facts").await
    }
}

/// How many bytes a message takes on the wire, about.
fn weight(message: &Written) -> usize {
    message.topic.len() + message.key.len() + message.body.len() + 8
}

/// Sends calls in one request.
async fn publish(
    calls: &Calls,
    batch: Vec<Vec<Written>>,
) -> Result<Vec<Result<(), BrokerError>>, BrokerError> {
    let body = encode(&Publish {
        calls: batch.iter().map(|call| call.iter().map(Written::published).collect()).collect(),
    });
    let answer: PublishAnswer = calls.binary("/v1/publish", body).await?;
    Ok(answer.into_iter().map(|outcome| outcome.map_err(Into::into)).collect())
}

#[async_trait]
impl Broker for Client {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "embedded",
            order: Ordering::PerKey,
            survives: Survives::PowerLoss,
            deduplicates_for: None,
            parallelism_max: None,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            lag_is_exact: true,
            replays_to: ReplaysTo::Group,
        }
    }

    async fn declare(&self, layout: &[Layout]) -> Result<(), BrokerError> {
        let declared =
            |Layout { topic, groups }: &Layout| Declared { topic: topic.clone(), groups: groups.clone() };
        let layout: Vec<_> = layout.iter().map(declared).collect();
        self.calls.put("/v1/layout", &layout).await
    }

    /// Messages of more than a mebibyte together go in several requests, one after the other.
    async fn publish(&self, messages: Vec<Message>) -> Result<(), BrokerError> {
        for message in &messages {
            check(message.payload.len(), message.key.len())?;
        }
        let (mut call, mut bytes) = (Vec::with_capacity(messages.len()), 0);
        for message in messages {
            let body = encode(&Body::of(&message));
            let Message { topic, key, .. } = message;
            let message = Written { topic, key, body };
            if bytes > 0 && bytes + weight(&message) > REQUEST_BYTES {
                self.publishes.call(std::mem::take(&mut call)).await?;
                bytes = 0;
            }
            bytes += weight(&message);
            call.push(message);
        }
        if call.is_empty() { Ok(()) } else { self.publishes.call(call).await }
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, BrokerError> {
        let place = Place { topic: subscription.topic.clone(), group: subscription.group.clone() };
        let session = self.calls.post("/v1/subscribe", &place).await?;
        Ok(Box::new(Member::new(self.calls.clone(), subscription, session)))
    }

    async fn lag(&self, topic: &str, group: &str) -> Result<Lag, BrokerError> {
        let place = [("topic", topic), ("group", group)];
        let Behind { waiting, in_flight, dead_letters } = self.calls.query("/v1/lag", &place).await?;
        Ok(Lag { waiting, in_flight, dead_letters })
    }

    async fn check(&self) -> Result<(), BrokerError> {
        let _status: serde_json::Value = self.calls.get("/readyz").await?;
        Ok(())
    }
}
