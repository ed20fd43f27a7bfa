//! The thread that asks Kafka for a consumer's messages, and what it shares with those who take them.
//!
//! It goes on asking when nobody takes any, as that keeps the consumer in its group, but pauses the partitions of which
//! there is enough here.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::Duration;

use domain::broker::Subscription;
use rdkafka::TopicPartitionList;
use rdkafka::client::ClientContext;
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::message::{BorrowedMessage, Message as _};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::client::{Kafka, log};
use super::hand::{Hand, Place};
use super::record::received;

/// How long one question waits. A consumer that is closed is left within this.
const POLL: Duration = Duration::from_millis(50);

/// How many messages of each kind are here before their partitions are paused, for each that may be in flight …
const AHEAD: usize = 4;

/// … and at least so many: retries wait here until they are due.
const AHEAD_MIN: usize = 1000;

/// What the thread and the consumer share.
pub(super) struct Shared {
    pub(super) kafka: Kafka,
    pub(super) subscription: Subscription,
    topic: String,
    retries: String,
    hand: Mutex<Hand>,
    /// There may be something to take.
    pub(super) changed: Notify,
    /// Something was settled.
    pub(super) settled: Condvar,
    pub(super) is_closing: AtomicBool,
    /// The consumer has left its group.
    pub(super) closed: Notify,
    /// Partitions came that are not paused.
    is_reassigned: AtomicBool,
}

/// What librdkafka tells a consumer.
pub(super) struct Context(Arc<Shared>);

pub(super) type Client = BaseConsumer<Context>;

impl Shared {
    pub(super) fn new(kafka: &Kafka, subscription: Subscription) -> Self {
        Self {
            topic: kafka.name_of(&subscription.topic),
            retries: kafka.name_of_retries(&subscription.topic, &subscription.group),
            hand: Mutex::new(Hand::new(subscription.in_flight_max)),
            kafka: kafka.clone(),
            subscription,
            changed: Notify::new(),
            settled: Condvar::new(),
            is_closing: AtomicBool::new(false),
            closed: Notify::new(),
            is_reassigned: AtomicBool::new(false),
        }
    }

    pub(super) fn hand(&self) -> MutexGuard<'_, Hand> {
        self.hand.lock().expect("nobody panics with it")
    }

    /// Joins the group.
    pub(super) fn join(self: Arc<Self>) -> KafkaResult<Arc<Client>> {
        let Subscription { topic, group, .. } = &self.subscription;
        let config = self.kafka.config_of_group(&self.kafka.group_id(topic, group));
        let names = [self.topic.clone(), self.retries.clone()];
        let client: Client = config.create_with_context(Context(self))?;
        client.subscribe(&names.each_ref().map(String::as_str))?;
        Ok(Arc::new(client))
    }

    /// Asks until the consumer is closed, and leaves the group.
    pub(super) fn poll(&self, client: Arc<Client>) {
        let mut paused = [false, false];
        while !self.is_closing.load(Ordering::Acquire) {
            if self.is_reassigned.swap(false, Ordering::AcqRel) {
                paused = [false, false];
            }
            for (is_retry, is_paused) in [false, true].into_iter().zip(&mut paused) {
                let is_enough = self.hand().count(is_retry) >= self.ahead_max();
                if is_enough != *is_paused && self.pause(&client, is_retry, is_enough).is_ok() {
                    *is_paused = is_enough;
                }
            }
            match client.poll(POLL) {
                Some(Ok(record)) => self.receive(&record),
                // It goes on by itself, or the keeper knows.
                Some(Err(error)) => tracing::debug!(%error, "a consumer has something to say"),
                None => {}
            }
        }
        // First, so that nothing is waited for: it comes again elsewhere.
        self.hand().revoke_all();
        drop(client);
        self.closed.notify_one();
    }

    fn ahead_max(&self) -> usize {
        self.subscription.in_flight_max.saturating_mul(AHEAD).max(AHEAD_MIN)
    }

    fn pause(&self, client: &Client, is_retry: bool, is_enough: bool) -> KafkaResult<()> {
        let name = if is_retry { &self.retries } else { &self.topic };
        let mut places = TopicPartitionList::new();
        for place in client.assignment()?.elements_for_topic(name) {
            places.add_partition(name, place.partition());
        }
        if is_enough { client.pause(&places) } else { client.resume(&places) }
    }

    fn receive(&self, record: &BorrowedMessage<'_>) {
        let place = Place { is_retry: record.topic() == self.retries, partition: record.partition() };
        let received = received(&self.subscription.topic, place, record, self.kafka.now_us());
        self.hand().receive(received);
        self.changed.notify_waiters();
    }

    fn places(&self, list: &TopicPartitionList) -> Vec<Place> {
        let place = |name: &str, partition| Place { is_retry: name == self.retries, partition };
        list.elements().iter().map(|found| place(found.topic(), found.partition())).collect()
    }

    /// Gives partitions away, when what is in somebody's hands is settled, or it takes too long.
    fn hand_over(&self, places: &[Place], is_lost: bool) {
        let patience = self.kafka.inner.settings.handover_max.min(self.subscription.lease);
        let began = Instant::now();
        let mut hand = self.hand();
        hand.leave(places);
        while !is_lost
            && hand.is_busy(places, Instant::now())
            && began.elapsed() < patience
            && !self.is_closing.load(Ordering::Acquire)
        {
            hand = self.settled.wait_timeout(hand, POLL).expect("nobody panics with it").0;
        }
        hand.revoke(places);
        drop(hand);
        self.changed.notify_waiters();
    }
}

impl ClientContext for Context {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        log(level, facility, message);
    }
}

impl ConsumerContext for Context {
    fn pre_rebalance(&self, client: &Client, rebalance: &Rebalance<'_>) {
        match rebalance {
            Rebalance::Assign(list) => {
                self.0.hand().assign(&self.0.places(list));
                self.0.is_reassigned.store(true, Ordering::Release);
            }
            Rebalance::Revoke(list) => self.0.hand_over(&self.0.places(list), client.assignment_lost()),
            Rebalance::Error(error) => tracing::warn!(%error, "a consumer group cannot share its partitions"),
        }
    }
}
