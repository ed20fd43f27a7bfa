//! A server that is not there at first, then is, is killed under load, and comes back.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use adapters::postgres::{Postgres, PostgresOrders, PostgresSettings, PostgresUrl, Schema};
use domain::{Effect, NewOrder, Order, OrderEvent, OrderId, OrderState, OrderStore, StoreError};

use crate::services::{OwnServer, node, server, until};

const WRITERS: usize = 16;
const ENOUGH: usize = 300;

/// What the writers were told.
#[derive(Debug, Default)]
struct Told {
    paying: Mutex<BTreeSet<OrderId>>,
    placed: Mutex<BTreeSet<OrderId>>,
    absent: Mutex<BTreeSet<OrderId>>,
    unknown: Mutex<BTreeSet<OrderId>>,
    stop: AtomicBool,
}

impl Told {
    fn count(&self, set: impl Fn(&Self) -> &Mutex<BTreeSet<OrderId>>) -> usize {
        set(self).lock().expect("nobody panics with it").len()
    }

    fn note(&self, set: impl Fn(&Self) -> &Mutex<BTreeSet<OrderId>>, id: &OrderId) {
        set(self).lock().expect("nobody panics with it").insert(id.clone());
    }
}

fn order(id: &OrderId) -> Order {
    let body = br#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
    NewOrder::parse(body).expect("a valid order").place(|| id.clone(), 1_000)
}

async fn write(store: Arc<PostgresOrders>, told: Arc<Told>, writer: usize) {
    for number in 0_u64.. {
        if told.stop.load(Ordering::Relaxed) {
            return;
        }
        let id = OrderId::new(format!("o-{writer}-{number}")).expect("a valid id");
        match store.insert(order(&id)).await {
            Ok(()) => told.note(|told| &told.placed, &id),
            Err(StoreError::Unavailable { effect: Effect::None, .. }) => {
                told.note(|told| &told.absent, &id);
                // Refused at once while it is away: a client would not come back at once either.
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                continue;
            }
            Err(StoreError::Unavailable { effect: Effect::Unknown, .. }) => {
                told.note(|told| &told.unknown, &id);
                continue;
            }
            Err(error) => panic!("{id}: {error}"),
        }
        if store.apply(&id, OrderEvent::PaymentStarted, 2_000).await.is_ok() {
            told.note(|told| &told.paying, &id);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_acknowledged_survives_kill_9_and_what_was_refused_is_not_there() {
    if server("FAILFIRST_TEST_POSTGRES").is_none() {
        return;
    }
    let own = OwnServer::new("postgres");
    let url = format!("postgres://failfirst:failfirst@127.0.0.1:{}/failfirst", own.port());
    let url: PostgresUrl = url.parse().expect("a URL");
    let open = || {
        let schema = Schema::of_orders("order_api").expect("a name");
        Arc::new(PostgresOrders::new(&Postgres::open(&node(), &url, schema, PostgresSettings::default())))
    };

    let store = open();
    let away = store.check().await.expect_err("nothing listens there");
    assert_eq!((away.effect(), away.is_retryable()), (Effect::None, true), "{away}");
    own.start();
    until("the database is found once it is there", async || store.check().await.is_ok()).await;

    let told = Arc::new(Told::default());
    let node = node();
    let writers: Vec<_> =
        (0..WRITERS).map(|writer| node.spawn(write(Arc::clone(&store), Arc::clone(&told), writer))).collect();
    let (mut killed, mut placed_before) = (0, 0);
    while killed < 2 {
        until("orders are written", async || told.count(|told| &told.paying) > placed_before + ENOUGH).await;
        let absent = told.count(|told| &told.absent);
        own.crash();
        until("calls are refused while it is away", async || told.count(|told| &told.absent) > absent).await;
        assert!(store.check().await.is_err(), "and the store says so");
        own.start();
        placed_before = told.count(|told| &told.paying);
        killed += 1;
    }
    until("orders are written again", async || told.count(|told| &told.paying) > placed_before + ENOUGH)
        .await;
    told.stop.store(true, Ordering::Relaxed);
    for writer in writers {
        writer.await.expect("a writer ends by itself");
    }

    let other = open();
    until("another process reads it", async || other.check().await.is_ok()).await;
    let stored = other.all().await.expect("it is there");
    let find = |id: &OrderId| {
        stored.binary_search_by(|order| order.order_id.cmp(id)).ok().map(|place| stored[place].state())
    };
    for id in told.placed.lock().expect("no panic").iter() {
        assert!(find(id).is_some(), "{id} was acknowledged and is lost");
    }
    for id in told.paying.lock().expect("no panic").iter() {
        assert_eq!(find(id), Some(OrderState::Paying), "{id} was acknowledged as paying");
    }
    for id in told.absent.lock().expect("no panic").iter() {
        assert_eq!(find(id), None, "{id} was refused without effect and is there");
    }
    assert!(
        told.count(|told| &told.unknown) <= 2 * WRITERS * 2,
        "unknown is what was under way, and no more"
    );
}
