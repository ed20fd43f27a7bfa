//! A full disk, a broker that is away, partitions, and being stopped.

use std::sync::Arc;
use std::time::Duration;

use broker::{Client, ClientOptions, DEFAULT_PORT, Options, REOPEN_EVERY};
use domain::broker::{Broker, BrokerError, Consumer, Delivery, Layout, Settlement, Subscription, Verdict};
use domain::{Effect, Message};
use node::sim::HostOptions;

use crate::support::{BROKER, CLIENT, World, in_a_world, message, until};

const TOPIC: &str = "orders";
const GROUP: &str = "order-processor";

async fn declared(world: &World) -> Arc<Client> {
    let options = ClientOptions { answer_within: Duration::from_secs(1) };
    let client = Client::with(&world.client, BROKER, DEFAULT_PORT, options);
    client.declare(&[Layout::new(TOPIC, &[GROUP])]).await.expect("the broker is there");
    Arc::new(client)
}

async fn consumer(client: &Client, name: &str) -> Box<dyn Consumer> {
    let subscription =
        Subscription { lease: Duration::from_secs(5), ..Subscription::new(TOPIC, GROUP, name) };
    client.subscribe(subscription).await.expect("the broker is there")
}

async fn ack(consumer: &dyn Consumer, came: &[Delivery]) -> Result<usize, BrokerError> {
    let ack = |delivery: &Delivery| Settlement { receipt: delivery.receipt, verdict: Verdict::Ack };
    consumer.settle(came.iter().map(ack).collect()).await
}

#[test]
fn a_full_disk_refuses_and_is_found_out_when_there_is_room_again() {
    in_a_world(1, HostOptions::default(), async |world| {
        let watch = world.start(Options::default()).await.expect("a new disk");
        let client = declared(&world).await;
        world.sim.set_disk_max(BROKER, 6 << 20).expect("a host");
        let mut answered = 0_u32;
        let failed = loop {
            let id = format!("m-{answered}");
            let large = Message { payload: vec![7; 200_000], ..message(TOPIC, &id, &id) };
            match client.publish(vec![large]).await {
                Ok(()) => answered += 1,
                Err(error) => break error,
            }
        };
        assert!(failed.is_retryable() && failed.to_string().contains("no space left"), "{failed}");
        let refused = client.publish(vec![message(TOPIC, "m-x", "x")]).await.expect_err("full");
        assert_eq!(refused.effect(), Effect::None, "{refused}");
        let unready = client.check().await.expect_err("full");
        assert!(unready.to_string().contains("no space left"), "{unready}");
        assert!(watch.facts().trouble.is_some() && watch.facts().failures_total > 0);

        world.sim.set_disk_max(BROKER, u64::MAX).expect("a host");
        world.client.sleep(REOPEN_EVERY * 2).await;
        assert_eq!(client.check().await, Ok(()));
        let there = client.lag(TOPIC, GROUP).await.expect("it works again").total();
        assert!(there == u64::from(answered) || there == u64::from(answered) + 1, "{there} of {answered}");
        client.publish(vec![message(TOPIC, "m-y", "y")]).await.expect("there is room again");
        assert_eq!(watch.facts().trouble, None);
    });
}

#[test]
fn a_consumer_goes_on_by_itself_after_the_broker_was_away() {
    in_a_world(2, HostOptions::default(), async |world| {
        world.start(Options::default()).await.expect("a new disk");
        let client = declared(&world).await;
        let consumer = consumer(&client, "one").await;
        client.publish(vec![message(TOPIC, "a", "a"), message(TOPIC, "b", "b")]).await.expect("there");
        let held = consumer.fetch(1, Duration::from_secs(1)).await.expect("there");
        assert_eq!(held.len(), 1);

        world.sim.kill(BROKER).expect("a host");
        let down = consumer.fetch(1, Duration::from_secs(1)).await.expect_err("killed");
        assert!(down.is_retryable(), "{down}");
        let refused = client.publish(vec![message(TOPIC, "c", "c")]).await.expect_err("killed");
        assert_eq!(refused.effect(), Effect::None, "nobody listens: {refused}");
        assert!(client.check().await.is_err());
        world.client.sleep(Duration::from_secs(30)).await;
        world.sim.restart(BROKER).expect("a host");
        world.start(Options::default()).await.expect("its disk");

        assert_eq!(ack(consumer.as_ref(), &held).await, Ok(1), "a delivery of a process that is dead");
        let again = consumer.fetch(9, Duration::from_secs(1)).await.expect("there");
        let ids: Vec<_> = again.iter().map(|delivery| delivery.message.event_id.to_string()).collect();
        assert_eq!(ids, ["a", "b"]);
        assert_eq!(ack(consumer.as_ref(), &again).await, Ok(0));
    });
}

#[test]
fn a_publish_whose_answer_is_lost_is_unknown() {
    in_a_world(3, HostOptions::default(), async |world| {
        world.start(Options::default()).await.expect("a new disk");
        let client = declared(&world).await;
        world.sim.cut(BROKER, CLIENT).expect("hosts");
        let unknown = client.publish(vec![message(TOPIC, "a", "a")]).await.expect_err("no answer comes");
        assert_eq!(unknown.effect(), Effect::Unknown, "{unknown}");
        world.sim.open(BROKER, CLIENT).expect("hosts");
        // As the client cannot know, it was published.
        until("the message is there", async || {
            client.lag(TOPIC, GROUP).await.is_ok_and(|lag| lag.total() == 1)
        })
        .await;
    });
}

#[test]
fn what_a_partitioned_consumer_holds_goes_to_another_one() {
    in_a_world(4, HostOptions::default(), async |world| {
        world.start(Options::default()).await.expect("a new disk");
        let client = declared(&world).await;
        let lost = consumer(&client, "lost").await;
        client.publish(vec![message(TOPIC, "a", "a")]).await.expect("there");
        let held = lost.fetch(1, Duration::from_secs(1)).await.expect("there");
        world.sim.partition(BROKER, CLIENT).expect("hosts");
        assert!(ack(lost.as_ref(), &held).await.is_err(), "nothing gets through");
        world.client.sleep(Duration::from_secs(6)).await;
        world.sim.heal(BROKER, CLIENT).expect("hosts");
        // What was under way arrives after all, as on TCP: too late to count.
        until("it is given out again", async || {
            let other = Client::new(&world.client, BROKER, DEFAULT_PORT);
            let Ok(other) = other.subscribe(Subscription::new(TOPIC, GROUP, "other")).await else {
                return false;
            };
            let came = other.fetch(1, Duration::from_secs(1)).await.unwrap_or_default();
            came.iter().any(|delivery| delivery.attempt == 2) && ack(other.as_ref(), &came).await == Ok(0)
        })
        .await;
        assert_eq!(ack(lost.as_ref(), &held).await, Ok(1), "too late");
    });
}

#[test]
fn being_stopped_it_finishes_what_it_took_on_and_lets_nobody_wait() {
    in_a_world(5, HostOptions::default(), async |world| {
        let embedded =
            broker::Embedded::open(world.broker.clone(), Options::default()).await.expect("a broker");
        let served = world.broker.spawn(embedded.serve());
        let client = declared(&world).await;
        let consumer = consumer(&client, "one").await;
        client.publish(vec![message(TOPIC, "a", "a")]).await.expect("there");
        let held = consumer.fetch(1, Duration::from_secs(1)).await.expect("there");
        assert_eq!(ack(consumer.as_ref(), &held).await, Ok(0));
        let waits = world.client.spawn(async move {
            let began = tokio::time::Instant::now();
            let came = consumer.fetch(1, Duration::from_secs(25)).await;
            (came.map(|came| came.len()), began.elapsed())
        });
        world.client.sleep(Duration::from_millis(100)).await;
        let asked = tokio::time::Instant::now();
        world.broker.stopping().begin();
        served.await.expect("it ends");
        assert!(asked.elapsed() < Duration::from_secs(5), "{:?}", asked.elapsed());
        let (came, took) = waits.await.expect("it ends");
        assert!(came.is_err() || came == Ok(0), "{came:?}");
        assert!(took < Duration::from_secs(24), "{took:?}");
    });
}
