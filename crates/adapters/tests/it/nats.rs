//! NATS JetStream.

mod hardship;

use std::sync::Arc;
use std::time::Duration;

use adapters::nats::{Nats, NatsSettings, NatsUrl};
use domain::broker::{
    Broker, Consumer, DeadLetterFilter, DeadLetters, Delivery, Layout, Receipt, Settlement, Subscription,
    Verdict,
};
use domain::contract::{BrokerUnderTest, Pace};
use domain::{EventId, Message};
use futures_util::TryStreamExt as _;

use crate::killed;
use crate::services::{OwnServer, fresh_name, node, server};

const PATIENCE: Duration = Duration::from_secs(10);

/// The server, if there is one.
fn url() -> Option<NatsUrl> {
    server("FAILFIRST_TEST_NATS").map(|url| url.parse().expect("a URL"))
}

/// Small, as the server reserves room for each.
fn small() -> NatsSettings {
    NatsSettings { topic_bytes_max: 4 << 20, dead_bytes_max: 4 << 20, ..NatsSettings::default() }
}

/// A part of the server, and its name.
fn fresh(url: &NatsUrl) -> (Nats, String) {
    let prefix = fresh_name("test");
    (Nats::open(&node(), url, &prefix, small()).expect("a prefix"), prefix)
}

/// Another client of the same server.
async fn stranger(url: &NatsUrl) -> async_nats::Client {
    let options =
        async_nats::ConnectOptions::with_user_and_password("failfirst".to_owned(), "failfirst".to_owned());
    options.connect(url.to_string()).await.expect("the server is there")
}

/// Removes a part of the server: many streams make it slow, for whatever is tested next.
async fn remove(url: &NatsUrl, prefix: &str) {
    let context = async_nats::jetstream::new(stranger(url).await);
    let names: Vec<String> = context.stream_names().try_collect().await.expect("the server is there");
    let ours = format!("{prefix}_");
    for name in names.iter().filter(|name| name.starts_with(&ours)) {
        context.delete_stream(name).await.expect("it was there");
    }
}

fn message(id: &str) -> Message {
    Message {
        event_id: EventId::new(id).expect("a valid id"),
        topic: "orders".to_owned(),
        key: "o-1".to_owned(),
        payload: id.as_bytes().to_vec(),
        at_us: 1_000,
    }
}

fn subscription(lease: Duration) -> Subscription {
    Subscription {
        topic: "orders".to_owned(),
        group: "kitchen".to_owned(),
        consumer: "cook-1".to_owned(),
        lease,
        in_flight_max: 16,
    }
}

async fn declared(broker: &Nats) {
    broker.declare(&[Layout::new("orders", &["kitchen", "door"])]).await.expect("the server is there");
}

async fn one(consumer: &dyn Consumer) -> Delivery {
    let mut found = consumer.fetch(1, PATIENCE).await.expect("the server is there");
    assert_eq!(found.len(), 1, "there is one in time");
    found.remove(0)
}

async fn settle(consumer: &dyn Consumer, receipt: Receipt, verdict: Verdict) -> usize {
    consumer.settle(vec![Settlement { receipt, verdict }]).await.expect("the server is there")
}

fn not_now(reason: &str) -> Verdict {
    Verdict::RetryAfter { delay: Duration::ZERO, reason: reason.to_owned() }
}

#[tokio::test]
async fn keeps_the_contract_of_a_broker() {
    let Some(url) = url() else { return };
    let part = fresh_name("test");
    let broker = Arc::new(Nats::open(&node(), &url, &part, small()).expect("a prefix"));
    let prefix = format!("t{}", std::process::id());
    let make = async || BrokerUnderTest {
        broker: Arc::clone(&broker) as _,
        letters: Arc::clone(&broker) as _,
        prefix: prefix.clone(),
    };
    domain::contract::broker(make, Pace::default()).await;
    remove(&url, &part).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_and_what_was_refused_is_not_there() {
    if url().is_none() {
        return;
    }
    let own = OwnServer::new("nats");
    let url: NatsUrl = format!("nats://failfirst:failfirst@127.0.0.1:{}", own.port()).parse().expect("a URL");
    let open = || Arc::new(Nats::open(&node(), &url, "test", small()).expect("a prefix")) as _;
    killed::loses_nothing(&own, 3, open).await;
}

#[tokio::test]
async fn what_a_stranger_publishes_is_delivered_under_an_id_of_its_place() {
    let Some(url) = url() else { return };
    let (broker, prefix) = fresh(&url);
    declared(&broker).await;
    let stranger = stranger(&url).await;
    let subject = format!("{prefix}.orders");
    let known = async_nats::HeaderMap::from_iter([(
        async_nats::header::NATS_MESSAGE_ID,
        async_nats::HeaderValue::from("theirs-1"),
    )]);
    stranger.publish(subject.clone(), "no headers at all".into()).await.expect("it is sent");
    stranger.publish_with_headers(subject, known, "an id of its own".into()).await.expect("it is sent");
    stranger.flush().await.expect("it is sent");
    let consumer = broker.subscribe(subscription(PATIENCE)).await.expect("the group is there");
    let first = one(&*consumer).await;
    assert_eq!((first.message.event_id.as_str(), first.message.key.as_str()), ("1@orders", ""));
    assert_eq!(first.message.payload, b"no headers at all");
    assert!(first.message.at_us > 0, "the server's time stands for the publisher's");
    assert_eq!(one(&*consumer).await.message.event_id.as_str(), "theirs-1");
    remove(&url, &prefix).await;
}

#[tokio::test]
async fn a_dead_letter_tells_how_each_attempt_failed() {
    let Some(url) = url() else { return };
    let (broker, prefix) = fresh(&url);
    declared(&broker).await;
    broker.publish(vec![message("e-1")]).await.expect("the topic is there");
    let consumer = broker.subscribe(subscription(PATIENCE)).await.expect("the group is there");
    for attempt in 1..=3 {
        let delivery = one(&*consumer).await;
        assert_eq!(delivery.attempt, attempt);
        let verdict = if attempt < 3 {
            not_now(&format!("reason {attempt}\r\nof two lines"))
        } else {
            Verdict::Dead { reason: "poison\r\n\"quoted\"".to_owned() }
        };
        assert_eq!(settle(&*consumer, delivery.receipt, verdict).await, 0);
    }
    let letters = broker.list(&DeadLetterFilter::default(), "", 9).await.expect("the server is there");
    let [letter] = &letters[..] else { panic!("one letter: {letters:?}") };
    assert_eq!((letter.message.clone(), letter.attempts), (message("e-1"), 3));
    assert_eq!((letter.group.as_str(), letter.reason.as_str()), ("kitchen", "poison\r\n\"quoted\""));
    let history: Vec<_> =
        letter.history.iter().map(|failed| (failed.attempt, failed.reason.as_str())).collect();
    assert_eq!(history, [(1, "reason 1\r\nof two lines"), (2, "reason 2\r\nof two lines")]);
    assert!(letter.history.iter().all(|failed| failed.consumer == "cook-1" && failed.at_us <= letter.at_us));
    let lag = broker.lag("orders", "kitchen").await.expect("the group is there");
    assert_eq!(lag.total(), 0, "it is dealt with");
    assert_eq!(
        broker.lag("orders", "door").await.expect("the group is there").total(),
        1,
        "by that group only"
    );
    remove(&url, &prefix).await;
}

#[tokio::test]
async fn a_message_is_gone_from_the_server_when_every_group_has_dealt_with_it() {
    let Some(url) = url() else { return };
    let (broker, prefix) = fresh(&url);
    declared(&broker).await;
    broker.publish(vec![message("e-1")]).await.expect("the topic is there");
    let context = async_nats::jetstream::new(stranger(&url).await);
    let mut stream = context.get_stream(format!("{prefix}_orders")).await.expect("it was declared");
    for (group, left) in [("kitchen", 1), ("door", 0)] {
        let subscription = Subscription { group: group.to_owned(), ..subscription(PATIENCE) };
        let consumer = broker.subscribe(subscription).await.expect("the group is there");
        let delivery = one(&*consumer).await;
        assert_eq!(settle(&*consumer, delivery.receipt, Verdict::Ack).await, 0);
        crate::services::until("the server has counted", async || {
            stream.info().await.expect("it is there").state.messages == left
        })
        .await;
    }
    remove(&url, &prefix).await;
}

#[tokio::test]
async fn an_acknowledgement_that_comes_too_late_does_not_take_the_message_from_who_has_it_now() {
    let Some(url) = url() else { return };
    let (broker, prefix) = fresh(&url);
    declared(&broker).await;
    broker.publish(vec![message("e-1")]).await.expect("the topic is there");
    let lease = Duration::from_millis(200);
    let slow = broker.subscribe(subscription(lease)).await.expect("the group is there");
    let first = one(&*slow).await;
    let other = broker.subscribe(subscription(lease)).await.expect("the group is there");
    let second = one(&*other).await;
    assert_eq!((second.message.event_id.as_str(), second.attempt), ("e-1", 2));
    assert_eq!(settle(&*slow, first.receipt, Verdict::Ack).await, 1, "it is not its any more");
    let third = one(&*other).await;
    assert_eq!(third.attempt, 3, "so it is given out again when that lease is over");
    assert_eq!(settle(&*other, second.receipt, Verdict::Ack).await, 1, "another delivery of the same");
    assert_eq!(settle(&*other, third.receipt, Verdict::Ack).await, 0);
    remove(&url, &prefix).await;
}

#[tokio::test]
async fn what_comes_to_a_fetch_that_is_over_is_there_for_the_next_one() {
    let Some(url) = url() else { return };
    let (broker, prefix) = fresh(&url);
    declared(&broker).await;
    let consumer = broker.subscribe(subscription(PATIENCE)).await.expect("the group is there");
    let found = consumer.fetch(9, Duration::from_millis(50)).await.expect("the server is there");
    assert!(found.is_empty(), "{found:?}");
    broker.publish(vec![message("e-1"), message("e-2")]).await.expect("the topic is there");
    let mut came = Vec::new();
    while came.len() < 2 {
        // Only as many as are asked for, although both are there.
        came.push(one(&*consumer).await);
    }
    assert!(came.iter().all(|delivery| delivery.attempt == 1), "{came:?}");
    for delivery in came {
        assert_eq!(settle(&*consumer, delivery.receipt, Verdict::Ack).await, 0, "its own");
    }
    remove(&url, &prefix).await;
}
