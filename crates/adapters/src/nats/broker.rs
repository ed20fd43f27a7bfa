//! The port: declaring, publishing, the lag.

use async_trait::async_trait;
use domain::Message;
use domain::broker::{
    Broker, BrokerError, Capabilities, Consumer, DeadLetterFilter, DeadLetters as _, Lag, Layout, Ordering,
    ReplaysTo, Subscription, Survives,
};
use serde_json::{Value, json};

use super::connection::{Nats, UNDER_WAY_MAX};
use super::consumer::NatsConsumer;
use super::error::of_publish;
use super::message::published;
use crate::wire::{self, HEADERS_MAX, Outcome};

/// The most messages of one call that are under way at once.
const PORTION_MAX: usize = 256;

#[async_trait]
impl Broker for Nats {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "NATS JetStream",
            order: Ordering::AsPublishedUntilRepeated,
            survives: Survives::ProcessDeath,
            deduplicates_for: Some(self.inner.settings.deduplicate_for),
            parallelism_max: None,
            payload_bytes_max: self.payload_bytes_max(),
            // All of it is; what waits for its time counts as in flight.
            lag_is_exact: false,
            replays_to: ReplaysTo::Topic,
        }
    }

    async fn declare(&self, layout: &[Layout]) -> Result<(), BrokerError> {
        self.declare_all(layout).await
    }

    async fn publish(&self, messages: Vec<Message>) -> Result<(), BrokerError> {
        self.ready().await?;
        for message in &messages {
            wire::check_size(message, self.payload_bytes_max())?;
        }
        // Before the first one goes: what is refused here has no effect.
        for message in &messages {
            self.find_topic(&message.topic).await?;
        }
        let mut messages = messages.into_iter().peekable();
        let mut is_first = true;
        while messages.peek().is_some() {
            let portion: Vec<_> = messages.by_ref().take(PORTION_MAX).collect();
            match self.publish_portion(portion).await {
                Ok(()) => is_first = false,
                Err(error) if is_first => return Err(error),
                Err(error) => return Err(BrokerError::unknown(error.to_string())),
            }
        }
        Ok(())
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, BrokerError> {
        self.set_lease(&subscription.topic, &subscription.group, subscription.lease).await?;
        Ok(Box::new(NatsConsumer::new(self.clone(), subscription)))
    }

    /// JetStream does not tell messages that wait for their time from those that a consumer has: all count as in flight.
    async fn lag(&self, topic: &str, group: &str) -> Result<Lag, BrokerError> {
        let info = self.find_group(topic, group).await?;
        let filter = DeadLetterFilter { topic: Some(topic.to_owned()), group: Some(group.to_owned()) };
        let dead_letters = self.total(&filter).await.ok();
        Ok(Lag { waiting: info.num_pending, in_flight: info.num_ack_pending as u64, dead_letters })
    }

    async fn check(&self) -> Result<(), BrokerError> {
        self.ask::<Value>("INFO".to_owned(), &json!({})).await??;
        Ok(())
    }
}

impl Nats {
    /// What the server takes, less what stands beside a payload; the usual bound until it has said another.
    fn payload_bytes_max(&self) -> usize {
        self.inner.client.max_payload().saturating_sub(HEADERS_MAX)
    }

    /// Sends all of them, in their order, and then waits for what became of each.
    async fn publish_portion(&self, portion: Vec<Message>) -> Result<(), BrokerError> {
        let room = u32::try_from(portion.len()).expect("a portion is small");
        let _room = self.inner.under_way.acquire_many(room).await.expect("it is never closed");
        assert!(portion.len() <= UNDER_WAY_MAX, "or it would wait for ever");
        let mut under_way = Vec::with_capacity(portion.len());
        let mut outcome = Outcome::default();
        for message in portion {
            let topic = message.topic.clone();
            let known_by = message.event_id.clone();
            let sent = self
                .inner
                .context
                .send_publish(self.subject_of(&topic), published(message, known_by.as_str()))
                .await;
            match sent {
                Ok(answer) => under_way.push((topic, answer)),
                Err(error) => {
                    // It may stand in the client's own queue still.
                    outcome.failed(BrokerError::unknown(error.to_string()));
                    break;
                }
            }
        }
        for (topic, answer) in under_way {
            match self.answered(answer.into_future()).await {
                Ok(Ok(_ack)) => outcome.taken(),
                Ok(Err(error)) => {
                    let error = of_publish(&error, &topic);
                    if matches!(error, BrokerError::NoSuchTopic { .. }) {
                        self.inner.topics.lock().expect("nobody panics with it").remove(&topic);
                    }
                    outcome.failed(error);
                }
                Err(broken) => outcome.failed(broken),
            }
        }
        outcome.of_all()
    }
}
