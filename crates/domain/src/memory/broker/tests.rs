//! The broker in memory keeps the contract, and what is its own.

use super::*;
use crate::contract;
use crate::ids::EventId;

const LEASE: Duration = Duration::from_secs(10);

fn message(id: &str, key: &str) -> Message {
    Message {
        event_id: EventId::new(id).expect("a valid id"),
        topic: "orders".to_owned(),
        key: key.to_owned(),
        payload: Vec::new(),
        at_us: 0,
    }
}

async fn broker() -> MemoryBroker {
    let broker = MemoryBroker::new();
    broker.declare(&[Layout::new("orders", &["a", "b"])]).await.expect("good names");
    broker
}

async fn consumer(broker: &MemoryBroker, group: &str) -> Box<dyn Consumer> {
    let subscription = Subscription {
        topic: "orders".to_owned(),
        group: group.to_owned(),
        consumer: "c".to_owned(),
        lease: LEASE,
        in_flight_max: 10,
    };
    broker.subscribe(subscription).await.expect("it was declared")
}

async fn fetch(consumer: &dyn Consumer, wait: Duration) -> Vec<Delivery> {
    consumer.fetch(10, wait).await.expect("it is there")
}

fn ids(deliveries: &[Delivery]) -> Vec<&str> {
    deliveries.iter().map(|delivery| delivery.message.event_id.as_str()).collect()
}

async fn settle(consumer: &dyn Consumer, delivery: &Delivery, verdict: Verdict) -> usize {
    let settlement = Settlement { receipt: delivery.receipt, verdict };
    consumer.settle(vec![settlement]).await.expect("it is there")
}

#[tokio::test(start_paused = true)]
async fn every_group_gets_a_message_and_each_key_its_messages_in_order() {
    let broker = broker().await;
    let messages = vec![message("e-1", "x"), message("e-2", "x"), message("e-3", "y")];
    broker.publish(messages).await.expect("it is there");
    for group in ["a", "b"] {
        let consumer = consumer(&broker, group).await;
        let first = fetch(&*consumer, Duration::ZERO).await;
        assert_eq!(ids(&first), ["e-1", "e-3"], "the second of a key waits for the first");
        let lag = Lag { waiting: 1, in_flight: 2, dead_letters: Some(0) };
        assert_eq!(broker.lag("orders", group).await, Ok(lag));
        assert_eq!(settle(&*consumer, &first[0], Verdict::Ack).await, 0);
        assert_eq!(ids(&fetch(&*consumer, Duration::ZERO).await), ["e-2"]);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_comes_again_after_its_delay_before_what_follows_it() {
    let broker = broker().await;
    broker.publish(vec![message("e-1", "x"), message("e-2", "x")]).await.expect("it is there");
    let consumer = consumer(&broker, "a").await;
    let first = fetch(&*consumer, Duration::ZERO).await;
    let delay = Duration::from_secs(3);
    settle(&*consumer, &first[0], Verdict::RetryAfter { delay, reason: "later".to_owned() }).await;
    let began = Instant::now();
    let again = fetch(&*consumer, Duration::from_secs(60)).await;
    assert_eq!((ids(&again), again[0].attempt, began.elapsed()), (vec!["e-1"], 2, delay));
}

#[tokio::test(start_paused = true)]
async fn a_lease_that_is_over_gives_the_message_to_another_and_the_first_has_no_say_any_more() {
    let broker = broker().await;
    broker.publish(vec![message("e-1", "x")]).await.expect("it is there");
    let (slow, quick) = (consumer(&broker, "a").await, consumer(&broker, "a").await);
    let first = fetch(&*slow, Duration::ZERO).await;
    tokio::time::sleep(LEASE / 2).await;
    assert_eq!(slow.extend(&[first[0].receipt]).await, Ok(0));
    tokio::time::sleep(LEASE / 2).await;
    assert!(fetch(&*quick, Duration::ZERO).await.is_empty(), "it was begun anew");
    let second = fetch(&*quick, LEASE).await;
    assert_eq!((ids(&second), second[0].attempt), (vec!["e-1"], 2));
    assert_eq!(settle(&*slow, &first[0], Verdict::Ack).await, 1);
    assert_eq!(settle(&*quick, &second[0], Verdict::Ack).await, 0);
    quick.close().await;
    assert_eq!(broker.lag("orders", "a").await.map(Lag::total), Ok(0));
}

#[tokio::test(start_paused = true)]
async fn a_dead_letter_tells_its_history_and_comes_again_when_it_is_replayed() {
    let broker = broker().await;
    broker.publish(vec![message("e-1", "x")]).await.expect("it is there");
    let consumer = consumer(&broker, "a").await;
    let first = fetch(&*consumer, Duration::ZERO).await;
    let retry = Verdict::RetryAfter { delay: Duration::ZERO, reason: "no luck".to_owned() };
    settle(&*consumer, &first[0], retry).await;
    let second = fetch(&*consumer, Duration::ZERO).await;
    settle(&*consumer, &second[0], Verdict::Dead { reason: "hopeless".to_owned() }).await;

    let letters = broker.list(&DeadLetterFilter::default(), "", 10).await.expect("it is there");
    assert_eq!(letters.len(), 1);
    let letter = &letters[0];
    assert_eq!((letter.reason.as_str(), letter.attempts, letter.group.as_str()), ("hopeless", 2, "a"));
    assert_eq!(letter.history.iter().map(|failed| failed.reason.as_str()).collect::<Vec<_>>(), ["no luck"]);
    broker.replay(&letter.id).await.expect("it is there");
    assert_eq!(broker.total(&DeadLetterFilter::default()).await, Ok(0));
    let third = fetch(&*consumer, Duration::ZERO).await;
    assert_eq!((ids(&third), third[0].attempt), (vec!["e-1"], 1));
}

#[tokio::test(start_paused = true)]
async fn who_waits_is_woken_by_news_and_by_the_broker_going_away() {
    let broker = broker().await;
    let consumer = consumer(&broker, "a").await;
    let later = async {
        tokio::time::sleep(Duration::from_secs(1)).await;
        broker.publish(vec![message("e-1", "x")]).await.expect("it is there");
        tokio::time::sleep(Duration::from_secs(1)).await;
        broker.set_away(true);
    };
    let waits = async {
        assert_eq!(ids(&fetch(&*consumer, Duration::from_secs(60)).await), ["e-1"]);
        consumer.fetch(1, Duration::from_secs(60)).await.expect_err("it is away")
    };
    let began = Instant::now();
    let ((), error) = tokio::join!(later, waits);
    assert_eq!((error, began.elapsed()), (BrokerError::untouched("it is away"), Duration::from_secs(2)));
}

#[tokio::test(start_paused = true)]
async fn a_topic_that_is_not_there_is_told_by_its_name() {
    let broker = broker().await;
    let error = broker.declare(&[Layout::new("Orders", &[])]).await.expect_err("capitals");
    assert_eq!(error, BrokerError::BadName { name: "Orders".to_owned() });
    broker.forget("orders");
    let error = broker.publish(vec![message("e-1", "x")]).await.expect_err("it is forgotten");
    assert_eq!(error, BrokerError::NoSuchTopic { topic: "orders".to_owned() });
}

#[tokio::test(start_paused = true)]
async fn keeps_the_contract_of_a_broker() {
    let make = async || {
        let broker = Arc::new(MemoryBroker::new());
        contract::BrokerUnderTest { letters: Arc::clone(&broker) as _, broker, prefix: "t".to_owned() }
    };
    contract::broker(make, contract::Pace::default()).await;
}
