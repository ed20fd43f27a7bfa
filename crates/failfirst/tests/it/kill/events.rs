//! The same where services are joined by a broker: whoever dies, every order that was accepted comes to its end, is
//! charged at most once, and its customer is told once. On the platform's own broker and files, and on servers: what is
//! promised does not depend on what it stands on.

mod newer;
mod replicas;

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::{Answered, Load};
use super::cluster::{Cluster, EVENTS};
use super::ground::{BROKER, Ground, KEYS};
use super::{Books, REST_WITHIN, a_key_is_one_order, enough_happened, nobody_is_charged_twice};

/// Two hundred orders a second: more than payment can do.
const EVERY: Duration = Duration::from_millis(5);

/// How often each of the victims is killed.
const KILLS: u64 = 20;

/// How long the platform may take to end an order between two kills; then it is hit while it recovers.
const BREATH_MAX: Duration = Duration::from_millis(600);

/// A consumer, the broker, and the one who has promised.
const VICTIMS: [&str; 4] = ["order-processor", BROKER, "order-api", "notification-service"];

/// `events-composed` with a payment that is four times as quick, and less that may wait: what has queued while everybody was
/// killed is done in a few seconds, however slow the machine is.
const QUICK: &str = r#"
name = "quick"
extends = "events-composed"
[payment]
profile = "ladder"
service_time = { kind = "log-normal", mean = "50ms", sigma = 0.5 }
[consumers]
workers = 33
completion_slo = "30s"
backlog_max = 600
"#;

/// How many notices there are of each order.
async fn notices(cluster: &Cluster) -> BTreeMap<String, u32> {
    let mut notices = BTreeMap::new();
    // A store without any says nothing of them.
    for notice in cluster.facts("notification-service").await["notices"].as_array().into_iter().flatten() {
        let order = notice["order_id"].as_str().expect("a text").to_owned();
        *notices.entry(order).or_default() += 1;
    }
    notices
}

/// Waits until an order ends that had not, as far as order-api answers at all.
async fn breathe(cluster: &Cluster) {
    let began = Instant::now();
    let mut before = None;
    while began.elapsed() < BREATH_MAX {
        if let Some(now) = cluster.orders_ended().await
            && *before.get_or_insert(now) < now
        {
            return;
        }
        sleep(Duration::from_millis(20)).await;
    }
}

/// Waits until everything that was accepted has ended, and looks at every book.
async fn everything_is_kept(cluster: &Cluster, answered: &[Answered]) {
    let began = Instant::now();
    let (books, notices) = loop {
        let (books, notices) = (Books::read(cluster).await, notices(cluster).await);
        if books.is_final() && notices.len() >= books.orders.len() {
            break (books, notices);
        }
        let (orders, told) = (books.orders.len(), notices.len());
        let some_open: Vec<_> = books.open().into_iter().take(8).collect();
        assert!(
            began.elapsed() < REST_WITHIN,
            "{told} of {orders} were told; open, for example: {some_open:?}"
        );
        sleep(Duration::from_millis(250)).await;
    };
    let lost: Vec<_> = answered
        .iter()
        .filter_map(Answered::promised)
        .filter(|order| !books.orders.contains_key(*order))
        .collect();
    assert!(lost.is_empty(), "accepted with 202, and not in the store: {lost:?}");
    nobody_is_charged_twice(&books);
    a_key_is_one_order(answered);
    books.no_ghosts();
    for (order, state) in &books.orders {
        let charged = books.charges.get(order).is_some_and(|charges| charges.contains(&false));
        assert_eq!(charged, state == "completed", "{order} is {state}");
        assert_eq!(notices.get(order), Some(&1), "{order} is {state}: its customer is told once");
    }
}

/// Kills each of the victims so many times while orders keep coming, and looks at every book when all has come to rest.
async fn keeps_every_promise(ground: Ground, victims: &[&str], kills: u64) {
    let folder = tempfile::tempdir().expect("a folder");
    let design = folder.path().join("quick.toml");
    std::fs::write(&design, QUICK).expect("written");
    let mut cluster = Cluster::start(design.to_str().expect("UTF-8"), EVENTS, ground).await;
    let load = Load::start(cluster.address("order-api"), EVERY);
    let kills = kills * victims.len() as u64;
    for kill in 0..kills {
        breathe(&cluster).await;
        sleep(Duration::from_millis(30 + kill * 7_919 % 120)).await;
        let victim = victims[(kill % victims.len() as u64) as usize];
        cluster.kill(victim).await;
        sleep(Duration::from_millis(kill * 6_007 % 60)).await;
        cluster.restart(victim).await;
    }
    let answered = load.finish().await;
    cluster.until_ready().await;
    everything_is_kept(&cluster, &answered).await;
    enough_happened(&answered, kills);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept_through_20_kills_of_each_on_our_own_broker_and_files() {
    keeps_every_promise(Ground::default(), &VICTIMS, KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept_through_20_kills_of_each_on_nats() {
    let Some(ground) = Ground::default().on_nats() else { return };
    keeps_every_promise(ground, &VICTIMS[..3], KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept_through_20_kills_of_each_on_postgresql() {
    let Some(ground) = Ground::default().on_postgres().await else { return };
    keeps_every_promise(ground, &VICTIMS[..3], KILLS).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept_through_20_kills_of_each_on_nats_postgresql_and_redis() {
    const WITH_REDIS: [&str; 4] = ["order-processor", BROKER, "order-api", KEYS];
    let Some(ground) = Ground::default().on_nats().and_then(Ground::with_keys_in_redis) else { return };
    let Some(ground) = ground.on_postgres().await else { return };
    keeps_every_promise(ground, &WITH_REDIS, KILLS).await;
}

/// Fewer, as Kafka takes twelve seconds to come back after it was killed.
#[cfg(feature = "kafka")]
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_promise_is_kept_on_kafka() {
    let Some(ground) = Ground::default().on_kafka() else { return };
    let victims =
        ["order-processor", "order-api", "notification-service", BROKER, "order-processor", "order-api"];
    keeps_every_promise(ground, &victims, 1).await;
}
