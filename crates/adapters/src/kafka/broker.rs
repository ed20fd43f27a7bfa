//! The port: declaring, publishing, the lag.

use async_trait::async_trait;
use domain::Message;
use domain::broker::{
    Broker, BrokerError, Capabilities, Consumer, Lag, Layout, Ordering, ReplaysTo, Subscription, Survives,
};
use rdkafka::message::OwnedHeaders;
use rdkafka::producer::FutureRecord;

use super::client::{Kafka, PAYLOAD_BYTES_MAX};
use super::consumer::KafkaConsumer;
use super::error::{of_delivery, of_enqueue};
use super::record::headers;
use crate::wire::{self, Outcome};

/// The most messages of one call that are under way at once.
const PORTION_MAX: usize = 1024;

#[async_trait]
impl Broker for Kafka {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "Apache Kafka",
            order: Ordering::PerKeyUntilRepeated,
            survives: Survives::ProcessDeath,
            deduplicates_for: None,
            parallelism_max: Some(self.inner.settings.partitions.into()),
            payload_bytes_max: PAYLOAD_BYTES_MAX,
            // Messages behind one that is not dealt with count as waiting.
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
            wire::check_size(message, PAYLOAD_BYTES_MAX)?;
        }
        // Before the first one goes: what is refused here has no effect.
        for message in &messages {
            self.find_topic(&message.topic).await?;
        }
        let mut is_first = true;
        for portion in messages.chunks(PORTION_MAX) {
            match self.publish_portion(portion).await {
                Ok(()) => is_first = false,
                Err(error) if is_first => return Err(error),
                Err(error) => return Err(BrokerError::unknown(error.to_string())),
            }
        }
        Ok(())
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, BrokerError> {
        self.find_group(&subscription.topic, &subscription.group).await?;
        Ok(Box::new(KafkaConsumer::join(self, subscription)?))
    }

    async fn lag(&self, topic: &str, group: &str) -> Result<Lag, BrokerError> {
        self.lag_of(topic, group).await
    }

    async fn check(&self) -> Result<(), BrokerError> {
        self.ready().await?;
        self.probe().await.map_err(BrokerError::untouched)
    }
}

impl Kafka {
    /// Sends all of them, in their order, and then waits for what became of each.
    async fn publish_portion(&self, portion: &[Message]) -> Result<(), BrokerError> {
        let mut under_way = Vec::with_capacity(portion.len());
        let mut outcome = Outcome::default();
        for message in portion {
            let name = self.name_of(&message.topic);
            let record = FutureRecord::to(&name)
                .key(message.key.as_bytes())
                .payload(&message.payload)
                .headers(headers(message));
            match self.inner.producer.send_result(record) {
                Ok(delivery) => under_way.push((&message.topic, delivery)),
                Err((error, _record)) => {
                    outcome.failed(of_enqueue(&error, &message.topic));
                    break;
                }
            }
        }
        for (topic, delivery) in under_way {
            match delivery.await {
                Ok(Ok(_written)) => outcome.taken(),
                Ok(Err((error, _message))) => outcome.failed(of_delivery(&error, topic)),
                Err(_canceled) => outcome.failed(BrokerError::unknown("the producer was stopped")),
            }
        }
        outcome.of_all()
    }

    /// Writes one record where its key belongs, and waits until it is written.
    pub(super) async fn write(
        &self,
        name: &str,
        key: &[u8],
        payload: &[u8],
        headers: OwnedHeaders,
    ) -> Result<(), BrokerError> {
        self.write_record(name, FutureRecord::to(name).key(key).payload(payload).headers(headers)).await
    }

    pub(super) async fn write_record(
        &self,
        name: &str,
        record: FutureRecord<'_, [u8], [u8]>,
    ) -> Result<(), BrokerError> {
        let sent = self.inner.producer.send_result(record).map_err(|(error, _)| of_enqueue(&error, name))?;
        match sent.await {
            Ok(Ok(_written)) => Ok(()),
            Ok(Err((error, _message))) => Err(of_delivery(&error, name)),
            Err(_canceled) => Err(BrokerError::unknown("the producer was stopped")),
        }
    }
}
