//! What each test has: a topic of its own, and words for what it does with it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::BrokerUnderTest;
use crate::broker::{
    Broker, Consumer, DeadLetter, DeadLetterFilter, DeadLetters, Delivery, Lag, Layout, Receipt, Settlement,
    Subscription, Verdict,
};
use crate::ids::EventId;
use crate::outbox::Message;

/// The group that most tests have.
pub(super) const GROUP: &str = "first";
/// The group that some tests have too.
pub(super) const OTHER: &str = "second";

/// A lease that no test outlives.
pub(super) const LONG: Duration = Duration::from_secs(600);
/// A lease, or a delay, that tests wait for.
pub(super) const SHORT: Duration = Duration::from_secs(1);
/// How long is waited for something that must not come. A broker that is wrong about it is found out most of the time.
pub(super) const QUIET: Duration = Duration::from_millis(300);
/// How long one fetch of many waits.
const TURN: Duration = Duration::from_millis(500);

/// One test's part of the broker.
#[derive(Debug)]
pub(super) struct Case {
    pub(super) broker: Arc<dyn Broker>,
    pub(super) letters: Arc<dyn DeadLetters>,
    /// The test's own topic.
    pub(super) topic: String,
    name: String,
    pub(super) within: Duration,
}

impl Case {
    pub(super) fn new(made: BrokerUnderTest, name: &str, number: usize, within: Duration) -> Self {
        let BrokerUnderTest { broker, letters, prefix } = made;
        Self { broker, letters, topic: format!("{prefix}-{number}"), name: name.to_owned(), within }
    }

    /// The same test with a second topic.
    pub(super) fn beside(&self) -> Self {
        Self {
            broker: Arc::clone(&self.broker),
            letters: Arc::clone(&self.letters),
            topic: format!("{}-b", self.topic),
            name: self.name.clone(),
            within: self.within,
        }
    }

    pub(super) async fn declare(&self, groups: &[&str]) {
        let declared = self.broker.declare(&[Layout::new(&self.topic, groups)]).await;
        declared.unwrap_or_else(|error| panic!("{}: declaring {groups:?}: {error}", self.name));
    }

    /// A message on the test's topic. What it is called by is unique on the whole server.
    pub(super) fn message(&self, id: &str, key: &str) -> Message {
        Message {
            event_id: EventId::new(format!("{}.{id}", self.topic)).expect("a valid id"),
            topic: self.topic.clone(),
            key: key.to_owned(),
            payload: id.as_bytes().to_vec(),
            at_us: 1_000,
        }
    }

    /// Publishes a message for each pair of id and key, one call for all.
    pub(super) async fn publish(&self, messages: &[(&str, &str)]) {
        self.send(messages.iter().map(|(id, key)| self.message(id, key)).collect()).await;
    }

    pub(super) async fn send(&self, messages: Vec<Message>) {
        let published = self.broker.publish(messages).await;
        published.unwrap_or_else(|error| panic!("{}: publishing: {error}", self.name));
    }

    /// A consumer of the usual group, with a lease that is never over.
    pub(super) async fn consumer(&self) -> Hand<'_> {
        self.joined(GROUP, "consumer", LONG, 64).await
    }

    pub(super) async fn joined(
        &self,
        group: &str,
        consumer: &str,
        lease: Duration,
        in_flight_max: usize,
    ) -> Hand<'_> {
        let subscription =
            Subscription { lease, in_flight_max, ..Subscription::new(&self.topic, group, consumer) };
        let joined = self.broker.subscribe(subscription).await;
        let consumer = joined.unwrap_or_else(|error| panic!("{}: joining {group}: {error}", self.name));
        Hand { case: self, consumer }
    }

    pub(super) async fn lag(&self, group: &str) -> Lag {
        let lag = self.broker.lag(&self.topic, group).await;
        lag.unwrap_or_else(|error| panic!("{}: the lag of {group}: {error}", self.name))
    }

    /// Waits until so much waits and is in flight: at once, where the broker says that it is exact.
    pub(super) async fn lag_is(&self, group: &str, waiting: u64, in_flight: u64) {
        let wanted = (waiting, in_flight);
        let exact = self.broker.capabilities().lag_is_exact;
        let began = Instant::now();
        loop {
            let lag = self.lag(group).await;
            if (lag.waiting, lag.in_flight) == wanted || !exact && lag.total() == waiting + in_flight {
                return;
            }
            assert!(!exact && began.elapsed() < self.within, "{}: {lag:?}, not {wanted:?}", self.name);
            tokio::time::sleep(TURN).await;
        }
    }

    /// Waits until the lag of a group tells of so many letters.
    pub(super) async fn lag_tells_of(&self, group: &str, letters: u64) {
        let began = Instant::now();
        loop {
            let told = self.lag(group).await.dead_letters;
            if told == Some(letters) {
                return;
            }
            assert!(began.elapsed() < self.within, "{}: {told:?} letters, not {letters}", self.name);
            tokio::time::sleep(TURN).await;
        }
    }

    /// The letters of the test's topic.
    pub(super) fn filter(&self) -> DeadLetterFilter {
        DeadLetterFilter { topic: Some(self.topic.clone()), group: None }
    }

    /// Waits until the test's topic has so many letters.
    pub(super) async fn letters(&self, wanted: usize) -> Vec<DeadLetter> {
        let began = Instant::now();
        loop {
            let letters = self.letters.list(&self.filter(), "", 100).await;
            let letters = letters.unwrap_or_else(|error| panic!("{}: the letters: {error}", self.name));
            if letters.len() == wanted {
                return letters;
            }
            let found = letters.len();
            assert!(began.elapsed() < self.within, "{}: {found} letters, not {wanted}", self.name);
            tokio::time::sleep(TURN).await;
        }
    }
}

/// A consumer, in a test.
#[derive(Debug)]
pub(super) struct Hand<'a> {
    case: &'a Case,
    pub(super) consumer: Box<dyn Consumer>,
}

impl Hand<'_> {
    pub(super) async fn fetch(&self, max: usize, wait: Duration) -> Vec<Delivery> {
        let fetched = self.consumer.fetch(max, wait).await;
        let fetched = fetched.unwrap_or_else(|error| panic!("{}: fetching: {error}", self.case.name));
        assert!(fetched.len() <= max, "{}: {} of {max} messages", self.case.name, fetched.len());
        fetched
    }

    /// Waits for so many messages, and holds them all.
    pub(super) async fn take(&self, count: usize) -> Vec<Delivery> {
        let began = Instant::now();
        let mut taken = Vec::new();
        while taken.len() < count {
            taken.extend(self.fetch(count - taken.len(), TURN).await);
            let there = ids(&taken);
            let name = &self.case.name;
            assert!(taken.len() == count || began.elapsed() < self.case.within, "{name}: only {there:?}");
        }
        taken
    }

    /// Waits for the next message.
    pub(super) async fn next(&self) -> Delivery {
        self.take(1).await.pop().expect("one was asked for")
    }

    /// Waits for so many messages, and acknowledges each before the next is asked for.
    pub(super) async fn drain(&self, count: usize) -> Vec<Delivery> {
        let mut drained = Vec::new();
        for _ in 0..count {
            let delivery = self.next().await;
            self.ack(&[delivery.receipt]).await;
            drained.push(delivery);
        }
        drained
    }

    /// Nothing comes.
    pub(super) async fn nothing_comes(&self, why: &str) {
        let came = self.fetch(64, QUIET).await;
        assert!(came.is_empty(), "{}: {why}: {:?}", self.case.name, ids(&came));
    }

    pub(super) async fn settle(&self, receipt: Receipt, verdict: Verdict) -> usize {
        let settled = self.consumer.settle(vec![Settlement { receipt, verdict }]).await;
        settled.unwrap_or_else(|error| panic!("{}: settling: {error}", self.case.name))
    }

    /// Acknowledges; all of them are this consumer's.
    pub(super) async fn ack(&self, receipts: &[Receipt]) {
        let settlements =
            receipts.iter().map(|receipt| Settlement { receipt: *receipt, verdict: Verdict::Ack }).collect();
        let stale = self.consumer.settle(settlements).await;
        assert_eq!(stale, Ok(0), "{}: what is held is acknowledged", self.case.name);
    }

    pub(super) async fn retry_after(&self, receipt: Receipt, delay: Duration, reason: &str) {
        let verdict = Verdict::RetryAfter { delay, reason: reason.to_owned() };
        assert_eq!(self.settle(receipt, verdict).await, 0, "{}: what is held is put off", self.case.name);
    }

    pub(super) async fn bury(&self, receipt: Receipt, reason: &str) {
        let verdict = Verdict::Dead { reason: reason.to_owned() };
        assert_eq!(self.settle(receipt, verdict).await, 0, "{}: what is held is put aside", self.case.name);
    }
}

/// What messages say, which is what the tests call them.
pub(super) fn ids(deliveries: &[Delivery]) -> Vec<String> {
    deliveries.iter().map(said).collect()
}

/// What a message says.
pub(super) fn said(delivery: &Delivery) -> String {
    String::from_utf8_lossy(&delivery.message.payload).into_owned()
}

pub(super) fn receipts(deliveries: &[Delivery]) -> Vec<Receipt> {
    deliveries.iter().map(|delivery| delivery.receipt).collect()
}
