//! `kill -9` of any service at any moment under load, and a fresh process on the same files: what was promised is
//! there, and nobody is charged twice.
//!
//! A black box: real processes, real files, signals. What is checked is read over HTTP alone: what clients were
//! answered, `GET /orders/{id}`, and what the services' own stores hold (`GET /facts` of their admin ports). None of
//! the laboratory's machinery is used, so that a mistake in it cannot hide one here.

mod client;
mod cluster;
mod events;
mod ground;

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use tokio::time::{Instant, sleep};

use self::client::{Answered, Load};
use self::cluster::{CHAIN, Cluster};
use self::ground::Ground;

/// Between two orders of a chain: a hundred a second, two thirds of what payment can do.
const EVERY: Duration = Duration::from_millis(10);

/// How long the platform may take to come to rest after the last kill.
const REST_WITHIN: Duration = Duration::from_secs(60);

/// Kills a service so many times while orders keep coming; who it is and when is spread evenly and prime to everything.
async fn kill_under_load(design: &str, kills: u64) -> (Cluster, Vec<Answered>) {
    let mut cluster = Cluster::start(design, CHAIN, Ground::default()).await;
    let load = Load::start(cluster.address("order-api"), EVERY);
    for kill in 0..kills {
        sleep(Duration::from_millis(60 + kill * 7_919 % 240)).await;
        let victim = CHAIN[(kill * 5 % 7 % 3) as usize];
        cluster.kill(victim).await;
        sleep(Duration::from_millis(kill * 6_007 % 120)).await;
        cluster.restart(victim).await;
    }
    let answered = load.finish().await;
    cluster.until_ready().await;
    (cluster, answered)
}

/// What the stores of order-api and of payment hold at the end.
struct Books {
    orders: BTreeMap<String, String>,
    /// Charges of each order: (charge, refunded).
    charges: BTreeMap<String, Vec<bool>>,
}

impl Books {
    async fn read(cluster: &Cluster) -> Self {
        let orders = cluster.facts("order-api").await;
        let charges = cluster.facts("payment-service").await;
        let list = |facts: &Value, name: &str| facts[name].as_array().expect("a list").clone();
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let mut books = Self { orders: BTreeMap::new(), charges: BTreeMap::new() };
        for order in list(&orders, "orders") {
            books.orders.insert(text(&order["order_id"]), text(&order["state"]));
        }
        for charge in list(&charges, "charges") {
            let refunded = charge["refunded"].as_bool().expect("a flag");
            books.charges.entry(text(&charge["order_id"])).or_default().push(refunded);
        }
        books
    }

    fn is_final(&self) -> bool {
        self.open().is_empty()
    }

    /// The orders in no final state.
    fn open(&self) -> BTreeMap<&str, &str> {
        let is_open = |state: &str| !["completed", "declined", "failed"].contains(&state);
        let named = self.orders.iter().map(|(order, state)| (order.as_str(), state.as_str()));
        named.filter(|(_, state)| is_open(state)).collect()
    }

    fn no_ghosts(&self) {
        let is_ghost = |order: &str, charges: &[bool]| {
            self.orders.get(order).map(String::as_str) != Some("completed") && charges.contains(&false)
        };
        let ghosts: Vec<_> =
            self.charges.iter().filter(|(order, charges)| is_ghost(order, charges)).collect();
        assert!(ghosts.is_empty(), "charged, not completed and not refunded: {ghosts:?}");
    }
}

/// Every order that was answered 200 is there, completed, and says so itself.
async fn nothing_is_lost(cluster: &Cluster, answered: &[Answered], books: &Books) {
    let promised: BTreeSet<&str> = answered.iter().filter_map(Answered::promised).collect();
    let lost: Vec<_> = promised
        .iter()
        .filter(|order| books.orders.get(**order).map(String::as_str) != Some("completed"))
        .map(|order| (order, books.orders.get(*order)))
        .collect();
    assert!(lost.is_empty(), "answered with 200, and not completed in the store: {lost:?}");
    for order in promised {
        let state = cluster.order_state(order).await;
        assert_eq!(state.as_deref(), Some("completed"), "{order} was answered with 200");
    }
}

fn nobody_is_charged_twice(books: &Books) {
    let twice: Vec<_> = books.charges.iter().filter(|(_, charges)| charges.len() > 1).collect();
    assert!(twice.is_empty(), "charged more than once: {twice:?}");
}

/// One key is one order, however often and to however many processes it was said.
fn a_key_is_one_order(answered: &[Answered]) {
    for order in answered {
        let promised: BTreeSet<_> = order.promised_ids().collect();
        assert!(promised.len() <= 1, "one key, several orders: {order:?}");
    }
}

/// That the test tested something: orders were served between the kills, and kills were felt.
fn enough_happened(answered: &[Answered], kills: u64) {
    let served = answered.iter().filter(|order| order.promised().is_some()).count() as u64;
    let broken = answered.iter().filter(|order| order.broke()).count() as u64;
    assert!(served > 2 * kills, "{served} orders served around {kills} kills");
    assert!(broken >= kills / 4, "{broken} exchanges broke at {kills} kills");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v1_0_0_loses_doubles_and_forgets_nothing_in_50_kills() {
    const KILLS: u64 = 50;
    let (cluster, answered) = kill_under_load("v1.0.0", KILLS).await;
    let began = Instant::now();
    let books = loop {
        let books = Books::read(&cluster).await;
        if books.is_final() {
            break books;
        }
        assert!(began.elapsed() < REST_WITHIN, "orders are still open: {:?}", books.open());
        sleep(Duration::from_millis(250)).await;
    };
    nothing_is_lost(&cluster, &answered, &books).await;
    nobody_is_charged_twice(&books);
    a_key_is_one_order(&answered);
    books.no_ghosts();
    enough_happened(&answered, KILLS);
    cluster.stop().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn v0_5_0_loses_and_doubles_nothing_in_20_kills() {
    const KILLS: u64 = 20;
    let (cluster, answered) = kill_under_load("v0.5.0", KILLS).await;
    cluster.until_payment_rests(REST_WITHIN).await;
    let books = Books::read(&cluster).await;
    nothing_is_lost(&cluster, &answered, &books).await;
    nobody_is_charged_twice(&books);
    a_key_is_one_order(&answered);
    enough_happened(&answered, KILLS);
    cluster.stop().await;
}
