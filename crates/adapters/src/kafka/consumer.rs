//! One consumer of a group.

use std::fmt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use domain::broker::{
    BrokerError, Consumer, Delivery, FailedAttempt, Receipt, Settlement, Subscription, Verdict,
};
use futures_util::future::join_all;
use rdkafka::TopicPartitionList;
use rdkafka::consumer::{CommitMode, Consumer as _};
use rdkafka::topic_partition_list::Offset;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout, timeout_at};

use super::client::{Kafka, blocking};
use super::error::{describe, is_of_another_generation, untouched};
use super::hand::{Place, Received};
use super::polling::{Client, Shared};
use super::record::headers_of_retry;
use crate::wire::{Letter, remember};

/// How long it is waited before a commit that met a rebalance is made again.
const AGAIN: Duration = Duration::from_millis(50);

/// A consumer of a group.
pub(super) struct KafkaConsumer {
    shared: Arc<Shared>,
    /// The thread has it: it leaves the group with that.
    client: Weak<Client>,
    /// One commit at a time: a later one may not be overtaken by an earlier one.
    committing: Mutex<()>,
}

impl KafkaConsumer {
    pub(super) fn join(kafka: &Kafka, subscription: Subscription) -> Result<Self, BrokerError> {
        let shared = Arc::new(Shared::new(kafka, subscription));
        let client = Arc::clone(&shared).join().map_err(|error| untouched(&error))?;
        let this = Self {
            client: Arc::downgrade(&client),
            shared: Arc::clone(&shared),
            committing: Mutex::default(),
        };
        let thread = kafka.inner.node.spawn_dedicated("kafka-consumer", async move { shared.poll(client) });
        thread.map_err(|error| BrokerError::untouched(format!("no thread for a consumer: {error}")))?;
        Ok(this)
    }

    /// Writes down what is to become of a message, where that is not for the offset to tell.
    async fn carry_out(&self, received: &Received, verdict: &Verdict) -> Result<(), BrokerError> {
        let kafka = &self.shared.kafka;
        let Subscription { topic, group, consumer, .. } = &self.shared.subscription;
        let Received { message, attempt, history, .. } = received;
        match verdict {
            Verdict::Ack => Ok(()),
            Verdict::RetryAfter { delay, reason } => {
                let now_us = kafka.now_us();
                let mut history = history.clone();
                let failed = FailedAttempt {
                    attempt: *attempt,
                    at_us: now_us,
                    consumer: consumer.clone(),
                    reason: reason.clone(),
                };
                remember(&mut history, failed);
                let delay_us = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX);
                // One more than the clock of the reader may be behind in its last digit.
                let due_us = now_us.saturating_add(delay_us).saturating_add(1);
                let headers = headers_of_retry(message, *attempt, &history, due_us);
                let name = kafka.name_of_retries(topic, group);
                kafka.write(&name, message.key.as_bytes(), &message.payload, headers).await
            }
            Verdict::Dead { reason } => {
                let letter = Letter {
                    group: group.clone(),
                    attempts: *attempt,
                    reason: reason.clone(),
                    at_us: kafka.now_us(),
                    history: history.clone(),
                };
                kafka.bury(message, &letter, received.place, received.offset).await
            }
        }
    }

    /// Commits whatever may be, again while the group is sharing its partitions anew.
    async fn commit(&self) -> Result<(), BrokerError> {
        let _alone = self.committing.lock().await;
        let until = Instant::now() + self.shared.kafka.inner.settings.answer_timeout;
        loop {
            let positions = self.shared.hand().to_commit();
            let Some(client) = self.client.upgrade().filter(|_| !positions.is_empty()) else { return Ok(()) };
            let mut list = TopicPartitionList::new();
            let (topic, group) = (&self.shared.subscription.topic, &self.shared.subscription.group);
            let names = [self.shared.kafka.name_of(topic), self.shared.kafka.name_of_retries(topic, group)];
            for (Place { is_retry, partition }, position) in &positions {
                let name = &names[usize::from(*is_retry)];
                let added = list.add_partition_offset(name, *partition, Offset::Offset(*position));
                added.map_err(|error| untouched(&error))?;
            }
            let committing = blocking(move || client.commit(&list, CommitMode::Sync));
            let error = match timeout_at(until, committing).await {
                Ok(Ok(Ok(()))) => {
                    self.shared.hand().committed(&positions);
                    return Ok(());
                }
                Ok(Ok(Err(error))) => error,
                Ok(Err(cut_off)) => return Err(cut_off),
                Err(_silence) => return Err(BrokerError::unknown("no answer to a commit")),
            };
            // Partitions that were given away meanwhile are not among the positions any more.
            if !is_of_another_generation(&error) || Instant::now() + AGAIN >= until {
                return Err(BrokerError::unknown(format!("offsets are not committed: {}", describe(&error))));
            }
            tokio::time::sleep(AGAIN).await;
        }
    }
}

#[async_trait]
impl Consumer for KafkaConsumer {
    async fn fetch(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BrokerError> {
        let until = Instant::now() + wait;
        loop {
            let changed = self.shared.changed.notified();
            let now = Instant::now();
            let (given, next_change) = {
                let mut hand = self.shared.hand();
                (hand.give(max, now, now + self.shared.subscription.lease), hand.next_change())
            };
            if !given.is_empty() || max == 0 || now >= until {
                return Ok(given);
            }
            self.shared.kafka.ready().await?;
            let _either = timeout_at(next_change.unwrap_or(until).min(until), changed).await;
        }
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<usize, BrokerError> {
        self.shared.kafka.ready().await?;
        let now = Instant::now();
        let total = settlements.len();
        let ours: Vec<_> = {
            let mut hand = self.shared.hand();
            let begin = |Settlement { receipt, verdict }: Settlement| {
                hand.begin(receipt, now).map(|received| (receipt, verdict, received))
            };
            settlements.into_iter().filter_map(begin).collect()
        };
        if ours.is_empty() {
            return Ok(total);
        }
        let unfinished =
            Unfinished { shared: &self.shared, receipts: ours.iter().map(|our| our.0).collect() };
        let written =
            join_all(ours.iter().map(|(_, verdict, received)| self.carry_out(received, verdict))).await;
        let mut failed = None;
        let mut done = Vec::new();
        {
            let mut hand = self.shared.hand();
            for ((receipt, ..), result) in ours.iter().zip(written) {
                match result {
                    Ok(()) => {
                        hand.done(*receipt);
                        done.push(*receipt);
                    }
                    Err(error) => failed = Some(error),
                }
            }
        }
        self.commit().await?;
        let lost = {
            let mut hand = self.shared.hand();
            done.iter().filter(|receipt| !hand.finish(**receipt, true)).count()
        };
        drop(unfinished);
        match failed {
            None => Ok(total - ours.len() + lost),
            Some(error) => Err(BrokerError::unknown(error.to_string())),
        }
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<usize, BrokerError> {
        self.shared.kafka.ready().await?;
        let now = Instant::now();
        let mut hand = self.shared.hand();
        let to = now + self.shared.subscription.lease;
        Ok(receipts.iter().filter(|receipt| !hand.extend(**receipt, now, to)).count())
    }

    async fn close(&self) {
        let closed = self.shared.closed.notified();
        if self.shared.is_closing.swap(true, Ordering::AcqRel) {
            return;
        }
        self.shared.settled.notify_all();
        // Who does not hear of it finds out when the session is over.
        let _left = timeout(self.shared.kafka.inner.settings.answer_timeout, closed).await;
    }
}

/// Gives back what was not settled in the end, also when nobody waits for that any more.
struct Unfinished<'a> {
    shared: &'a Shared,
    receipts: Vec<Receipt>,
}

impl Drop for Unfinished<'_> {
    fn drop(&mut self) {
        let mut hand = self.shared.hand();
        for receipt in &self.receipts {
            hand.finish(*receipt, false);
        }
        drop(hand);
        self.shared.settled.notify_all();
        self.shared.changed.notify_waiters();
    }
}

impl Drop for KafkaConsumer {
    fn drop(&mut self) {
        self.shared.is_closing.store(true, Ordering::Release);
        self.shared.settled.notify_all();
    }
}

impl fmt::Debug for KafkaConsumer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaConsumer")
            .field("subscription", &self.shared.subscription)
            .finish_non_exhaustive()
    }
}
