//! Consumers that come and go, and what is wrong with a cluster.

use std::collections::BTreeSet;
use std::time::Duration;

use adapters::kafka::{Kafka, KafkaSettings, KafkaUrl};
use domain::Effect;
use domain::broker::{Broker, BrokerError, Settlement, Verdict};
use rdkafka::producer::{FutureProducer, FutureRecord};

use super::{declared, fresh, joined, message, mock, on_mock, take};
use crate::services::{fresh_name, node, optional_server, until};

fn acknowledged(receipt: domain::broker::Receipt) -> Vec<Settlement> {
    vec![Settlement { receipt, verdict: Verdict::Ack }]
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_beyond_a_gap_comes_again_elsewhere_and_nothing_is_lost() {
    let (_cluster, url) = mock();
    let broker = fresh(&url);
    declared(&broker).await;
    // One key, so one partition.
    let of_one_key = |id: &str| domain::Message { key: "k".to_owned(), ..message(id) };
    broker.publish(["a", "b", "c", "d"].map(of_one_key).into()).await.expect("the topic is there");
    let first = joined(&broker, "first").await;
    let taken = take(&*first, 4).await;
    for place in [0, 2] {
        assert_eq!(first.settle(acknowledged(taken[place].receipt)).await, Ok(0));
    }
    let lag = broker.lag("orders", "kitchen").await.expect("the group is there");
    assert_eq!((lag.waiting, lag.in_flight), (3, 0), "b holds back c");
    first.close().await;
    let second = joined(&broker, "second").await;
    let again: Vec<_> =
        take(&*second, 3).await.into_iter().map(|found| found.message.event_id.to_string()).collect();
    assert_eq!(again, ["b", "c", "d"]);
    assert_eq!(first.settle(acknowledged(taken[1].receipt)).await, Ok(1), "it is another one's");
}

/// Not on the mock cluster, which takes no commits while a group shares its partitions anew, as Kafka does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_consumer_settles_what_it_has_before_it_gives_its_partition_away() {
    let Some(url) = optional_server("FAILFIRST_TEST_KAFKA") else { return };
    let settings =
        KafkaSettings { partitions: 4, handover_max: Duration::from_secs(60), ..KafkaSettings::default() };
    let url = url.parse().expect("a URL");
    let broker = Kafka::open(&node(), &url, &fresh_name("test"), settings).expect("a prefix");
    declared(&broker).await;
    let ids: Vec<_> = (0..40).map(|number| format!("e-{number}")).collect();
    broker.publish(ids.iter().map(|id| message(id)).collect()).await.expect("the topic is there");
    let first = joined(&broker, "first").await;
    let held = take(&*first, 40).await;
    let second = joined(&broker, "second").await;
    // The other one is waiting for its part meanwhile.
    let early = second.fetch(9, Duration::from_secs(2)).await.expect("the cluster is there");
    assert_eq!(early, [], "everything is in the first one's hands");
    for delivery in &held {
        assert_eq!(first.settle(acknowledged(delivery.receipt)).await, Ok(0), "it was given the time for it");
    }
    // Both of them get some, each message once.
    let (mut of_first, mut of_second, mut number) = (BTreeSet::new(), BTreeSet::new(), 40);
    until("both have a part", async || {
        let next = [0, 1, 2, 3].map(|more| format!("e-{}", number + more));
        number += 4;
        broker.publish(next.iter().map(|id| message(id)).collect()).await.expect("the topic is there");
        for (consumer, of) in [(&first, &mut of_first), (&second, &mut of_second)] {
            let found = consumer.fetch(9, Duration::from_millis(200)).await.expect("the cluster is there");
            for delivery in found {
                assert!(of.insert(delivery.message.event_id.to_string()), "again: {delivery:?}");
                consumer.settle(acknowledged(delivery.receipt)).await.expect("the cluster is there");
            }
        }
        !of_first.is_empty() && !of_second.is_empty()
    })
    .await;
    assert!(of_first.is_disjoint(&of_second), "{of_first:?} {of_second:?}");
    assert!(held.iter().all(|held| !of_second.contains(held.message.event_id.as_str())));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_stranger_publishes_is_delivered_under_an_id_of_its_place() {
    let (cluster, url) = mock();
    let prefix = fresh_name("test");
    let broker = Kafka::open(&node(), &url, &prefix, on_mock()).expect("a prefix");
    declared(&broker).await;
    let stranger: FutureProducer = rdkafka::ClientConfig::new()
        .set("bootstrap.servers", cluster.bootstrap_servers())
        .create()
        .expect("a client");
    let name = format!("{prefix}.orders");
    let record = FutureRecord::<[u8], _>::to(&name).partition(1).payload("hello");
    stranger.send(record, Duration::from_secs(9)).await.expect("it is written");
    let consumer = joined(&broker, "one").await;
    let found = take(&*consumer, 1).await.remove(0).message;
    assert_eq!((found.event_id.as_str(), found.key.as_str()), ("1.0@orders", ""));
    assert_eq!(found.payload, b"hello");
    assert!(found.at_us > 1_000_000, "Kafka's time stands for the publisher's: {}", found.at_us);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cluster_that_is_not_there_refuses_without_effect_and_one_that_goes_leaves_it_unknown() {
    let nobody = std::net::TcpListener::bind("127.0.0.1:0").expect("a free port");
    let port = nobody.local_addr().expect("bound").port();
    drop(nobody);
    let url: KafkaUrl = format!("kafka://127.0.0.1:{port}").parse().expect("a URL");
    let broker = fresh(&url);
    for error in [
        broker.check().await.expect_err("it is not there"),
        broker.publish(vec![message("e-1")]).await.expect_err("it is not there"),
        broker.lag("orders", "kitchen").await.expect_err("it is not there"),
    ] {
        assert!(matches!(error, BrokerError::Unavailable { effect: Effect::None, .. }), "{error}");
        assert!(error.to_string().contains(&port.to_string()), "{error}");
    }

    let (cluster, url) = mock();
    let prefix = fresh_name("test");
    declared(&Kafka::open(&node(), &url, &prefix, on_mock()).expect("a prefix")).await;
    let hasty = KafkaSettings { answer_timeout: Duration::from_secs(1), ..on_mock() };
    let broker = Kafka::open(&node(), &url, &prefix, hasty).expect("a prefix");
    until("it is there", async || broker.publish(vec![message("e-1")]).await.is_ok()).await;
    cluster.broker_round_trip_time(1, Duration::from_secs(5)).expect("it is there");
    let silent = broker.publish(vec![message("e-2")]).await.expect_err("it does not answer in time");
    assert_eq!((silent.effect(), silent.is_retryable()), (Effect::Unknown, true), "{silent}");
    cluster.broker_round_trip_time(1, Duration::ZERO).expect("it is there");
    cluster.broker_down(1).expect("it is there");
    until("calls are refused at once", async || {
        let refused = broker.publish(vec![message("e-3")]).await;
        matches!(refused, Err(BrokerError::Unavailable { effect: Effect::None, .. }))
    })
    .await;
    cluster.broker_up(1).expect("it comes back");
    until("and taken again", async || broker.publish(vec![message("e-4")]).await.is_ok()).await;
}
