//! A server that is not there at first, then is, is killed under load, and comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use adapters::nats::{Nats, NatsUrl};
use domain::Effect;
use domain::broker::{Broker, BrokerError, Settlement, Verdict};

use super::{declared, message, small, subscription};
use crate::services::{OwnServer, node, server, until};

const PUBLISHERS: usize = 8;
const ENOUGH: usize = 300;

/// What the publishers and consumers were told.
#[derive(Debug, Default)]
struct Told {
    published: Mutex<BTreeSet<String>>,
    absent: Mutex<BTreeSet<String>>,
    /// How often each was delivered.
    delivered: Mutex<BTreeMap<String, u32>>,
    stop: AtomicBool,
    enough: AtomicBool,
}

impl Told {
    fn published(&self) -> usize {
        self.published.lock().expect("no panic").len()
    }

    fn absent(&self) -> usize {
        self.absent.lock().expect("no panic").len()
    }
}

async fn publish(broker: Nats, told: Arc<Told>, publisher: usize) {
    for number in 0_u64.. {
        if told.stop.load(Ordering::Relaxed) {
            return;
        }
        let id = format!("e-{publisher}-{number}");
        loop {
            match broker.publish(vec![message(&id)]).await {
                Ok(()) => {
                    told.published.lock().expect("no panic").insert(id);
                    break;
                }
                Err(BrokerError::Unavailable { effect: Effect::None, .. }) if number % 2 == 0 => {
                    told.absent.lock().expect("no panic").insert(id);
                    break;
                }
                Err(error) if error.is_retryable() => {
                    tokio::time::sleep(Duration::from_millis(5)).await;
                }
                Err(error) => panic!("{id}: {error}"),
            }
        }
    }
}

async fn consume(broker: Nats, told: Arc<Told>) {
    let lease = Duration::from_secs(2);
    let consumer = loop {
        match broker.subscribe(subscription(lease)).await {
            Ok(consumer) => break consumer,
            Err(_not_yet) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    };
    while !told.enough.load(Ordering::Relaxed) {
        let Ok(found) = consumer.fetch(16, Duration::from_millis(200)).await else {
            tokio::time::sleep(Duration::from_millis(20)).await;
            continue;
        };
        let mut settlements = Vec::new();
        for delivery in found {
            let id = delivery.message.event_id.to_string();
            *told.delivered.lock().expect("no panic").entry(id).or_default() += 1;
            settlements.push(Settlement { receipt: delivery.receipt, verdict: Verdict::Ack });
        }
        // What is not heard of is delivered again.
        let _heard = consumer.settle(settlements).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_and_what_was_refused_is_not_there() {
    if server("FAILFIRST_TEST_NATS").is_none() {
        return;
    }
    let own = OwnServer::new("nats");
    let url: NatsUrl = format!("nats://failfirst:failfirst@127.0.0.1:{}", own.port()).parse().expect("a URL");
    let node = node();
    let broker = Nats::open(&node, &url, "test", small()).expect("a prefix");
    let away = broker.check().await.expect_err("nothing listens there");
    assert_eq!((away.effect(), away.is_retryable()), (Effect::None, true), "{away}");
    own.start();
    until("the server is found once it is there", async || {
        let c = broker.check().await;

        c.is_ok()
    })
    .await;
    declared(&broker).await;
    // The other group is not of this test: without it messages go when they are dealt with.
    let told = Arc::new(Told::default());
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| node.spawn(publish(broker.clone(), Arc::clone(&told), publisher)))
        .collect();
    let consumers: Vec<_> = (0..2)
        .map(|_| {
            let broker = Nats::open(&node, &url, "test", small()).expect("a prefix");
            node.spawn(consume(broker, Arc::clone(&told)))
        })
        .collect();

    let mut before = 0;
    for _kill in 0..3 {
        until("messages are published", async || told.published() > before + ENOUGH).await;
        let absent = told.absent();
        own.crash();
        until("calls are refused while it is away", async || told.absent() > absent).await;
        assert!(broker.check().await.is_err(), "and the broker says so");
        own.start();
        before = told.published();
    }
    until("messages are published again", async || told.published() > before + ENOUGH).await;
    told.stop.store(true, Ordering::Relaxed);
    for publisher in publishers {
        publisher.await.expect("a publisher ends by itself");
    }
    until("all that was acknowledged is delivered", async || {
        let delivered = told.delivered.lock().expect("no panic");
        told.published.lock().expect("no panic").iter().all(|id| delivered.contains_key(id))
    })
    .await;
    until("and dealt with", async || broker.lag("orders", "kitchen").await.is_ok_and(|lag| lag.total() == 0))
        .await;
    told.enough.store(true, Ordering::Relaxed);
    for consumer in consumers {
        consumer.await.expect("a consumer ends by itself");
    }
    let delivered = told.delivered.lock().expect("no panic");
    for id in told.absent.lock().expect("no panic").iter() {
        assert!(!delivered.contains_key(id), "{id} was refused without effect and is there");
    }
}
