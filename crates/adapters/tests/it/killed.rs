//! A broker's server that is not there at first, then is, is killed under load, and comes back.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use domain::broker::{Broker, BrokerError, Layout, Settlement, Subscription, Verdict};
use domain::{Effect, EventId, Message};

use crate::services::{OwnServer, node, until};

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

/// A message about itself.
pub(crate) fn message(id: &str) -> Message {
    Message {
        event_id: EventId::new(id).expect("a valid id"),
        topic: "orders".to_owned(),
        key: id.to_owned(),
        payload: id.as_bytes().to_vec(),
        at_us: 1_000,
    }
}

async fn publish(broker: Arc<dyn Broker>, told: Arc<Told>, publisher: usize) {
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
                // Every other publisher tries once, so that what it was told is the whole truth.
                Err(BrokerError::Unavailable { effect, .. }) if publisher.is_multiple_of(2) => {
                    if effect == Effect::None {
                        told.absent.lock().expect("no panic").insert(id);
                    }
                    tokio::time::sleep(Duration::from_millis(5)).await;
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

async fn consume(broker: Arc<dyn Broker>, told: Arc<Told>) {
    let lease = Duration::from_secs(2);
    let subscription = Subscription { lease, ..Subscription::new("orders", "kitchen", "cook") };
    let consumer = loop {
        match broker.subscribe(subscription.clone()).await {
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

/// Kills a server that many publish to and consume from, and brings it up again on what it left. What was acknowledged
/// is delivered, what was refused without effect is not there, and all of it is dealt with in the end.
pub(crate) async fn loses_nothing(own: &OwnServer, kills: usize, open: impl Fn() -> Arc<dyn Broker>) {
    let node = node();
    let broker = open();
    let away = broker.check().await.expect_err("nothing listens there");
    assert_eq!((away.effect(), away.is_retryable()), (Effect::None, true), "{away}");
    own.start();
    until("the server is found once it is there", async || broker.check().await.is_ok()).await;
    let layout = [Layout::new("orders", &["kitchen"])];
    until("it is declared", async || broker.declare(&layout).await.is_ok()).await;
    let told = Arc::new(Told::default());
    let publishers: Vec<_> = (0..PUBLISHERS)
        .map(|publisher| node.spawn(publish(Arc::clone(&broker), Arc::clone(&told), publisher)))
        .collect();
    let consumers: Vec<_> = (0..2).map(|_| node.spawn(consume(open(), Arc::clone(&told)))).collect();

    let mut before = 0;
    for _kill in 0..kills {
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
