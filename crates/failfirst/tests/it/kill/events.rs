//! The same where services are joined by a broker: whoever dies, every order that was accepted comes to its end, is
//! charged at most once, and its customer is told once.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::{Instant, sleep};

use super::client::{Answered, Load};
use super::cluster::{Cluster, EVENTS};
use super::{Books, REST_WITHIN, a_key_is_one_order, enough_happened, nobody_is_charged_twice};

/// Two hundred orders a second: more than payment can do.
const EVERY: Duration = Duration::from_millis(5);

/// How often each of the victims is killed.
const KILLS: u64 = 20;

/// A consumer, the broker, and the one who has promised.
const VICTIMS: [&str; 4] = ["order-processor", "broker", "order-api", "notification-service"];

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

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn events_composed_keeps_every_promise_through_20_kills_of_each() {
    let mut cluster = Cluster::start("events-composed", EVENTS).await;
    let load = Load::start(cluster.address("order-api"), EVERY);
    for kill in 0..KILLS * VICTIMS.len() as u64 {
        sleep(Duration::from_millis(30 + kill * 7_919 % 120)).await;
        let victim = VICTIMS[(kill % VICTIMS.len() as u64) as usize];
        cluster.kill(victim).await;
        sleep(Duration::from_millis(kill * 6_007 % 60)).await;
        cluster.restart(victim).await;
    }
    let answered = load.finish().await;
    cluster.until_ready().await;

    let began = Instant::now();
    let (books, notices) = loop {
        let (books, notices) = (Books::read(&cluster).await, notices(&cluster).await);
        if books.is_final() && notices.len() >= books.orders.len() {
            break (books, notices);
        }
        let open = books.orders.len() - notices.len().min(books.orders.len());
        assert!(began.elapsed() < REST_WITHIN, "{open} customers wait: {:?}", books.open());
        sleep(Duration::from_millis(250)).await;
    };
    let lost: Vec<_> = answered
        .iter()
        .filter_map(Answered::promised)
        .filter(|order| !books.orders.contains_key(*order))
        .collect();
    assert!(lost.is_empty(), "accepted with 202, and not in the store: {lost:?}");
    nobody_is_charged_twice(&books);
    a_key_is_one_order(&answered);
    books.no_ghosts();
    for (order, state) in &books.orders {
        let charged = books.charges.get(order).is_some_and(|charges| charges.contains(&false));
        assert_eq!(charged, state == "completed", "{order} is {state}");
        assert_eq!(notices.get(order), Some(&1), "{order} is {state}: its customer is told once");
    }
    enough_happened(&answered, KILLS * VICTIMS.len() as u64);
    cluster.stop().await;
}
