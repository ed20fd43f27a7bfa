//! The contract suites over real files, and what a file does over restarts and when it is not as it should be.

use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering::Relaxed};
use std::time::Duration;

use domain::contract;
use domain::{
    Charge, ChargeId, ChargeStore, Effect, EventId, Message, Money, NewOrder, Order, OrderEvent, OrderId,
    OrderState, OrderStore, Outbox, StoreError, Voided,
};
use node::{Node, RealOptions};
use resilience::idempotency::{
    self as keys, Answer, Ask, Beginning, Claim, Completion, Fingerprint, IdempotencyRecords, Key,
};
use tempfile::TempDir;

use super::tables::{META, SCHEMA, SCHEMA_KEY};
use super::{OpenError, RedbStore};

mod ahead;
mod logs;

const FILE: &str = "test.redb";

fn directory() -> TempDir {
    tempfile::tempdir().expect("a directory")
}

fn node(directory: &Path) -> Node {
    Node::real(RealOptions { data: Some(directory.to_owned()), ..RealOptions::default() })
}

async fn open(directory: &Path) -> RedbStore {
    RedbStore::open(&node(directory), FILE).await.expect("a store")
}

async fn refused(directory: &Path) -> OpenError {
    RedbStore::open(&node(directory), FILE).await.expect_err("refused")
}

/// Opens as many fresh stores as there are files.
fn fresh(directory: &Path, files: &AtomicU32) -> RedbStore {
    let file = format!("{}.redb", files.fetch_add(1, Relaxed));
    let node = node(directory);
    let opening = RedbStore::open(&node, &file);
    // Opening waits for nothing on a real disk.
    futures_util::FutureExt::now_or_never(opening).expect("at once").expect("a store")
}

pub(super) fn order(id: &str) -> Order {
    let body = br#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
    let id = OrderId::new(id).expect("a valid id");
    NewOrder::parse(body).expect("a valid order").place(|| id, 1_000)
}

pub(super) fn id(text: &str) -> OrderId {
    OrderId::new(text).expect("a valid id")
}

pub(super) fn paid() -> OrderEvent {
    OrderEvent::PaymentSucceeded { charge_id: ChargeId::new("ch-1").expect("a valid id") }
}

pub(super) fn charge(id: &str, key: &str) -> Charge {
    Charge {
        id: ChargeId::new(id).expect("a valid id"),
        order_id: OrderId::new("o-1").expect("a valid id"),
        key: Some(key.to_owned()),
        amount: Money::from_minor(1_900).expect("a small amount"),
        at_us: 1_000,
        refunded_at_us: None,
    }
}

/// The charge of an order, without a key.
pub(super) fn drawn_charge(order: &str) -> Charge {
    let (charge, order_id) = (charge(&format!("ch-{order}"), ""), id(order));
    Charge { order_id, key: None, ..charge }
}

pub(super) fn message(event: &str) -> Message {
    let event_id = EventId::new(event).expect("a valid id");
    let (topic, key) = ("orders".to_owned(), "o-1".to_owned());
    Message { event_id, topic, key, payload: vec![0, 255], at_us: 1_000 }
}

#[tokio::test]
async fn keeps_every_contract() {
    let (directory, files) = (directory(), AtomicU32::default());
    let fresh = || Arc::new(fresh(directory.path(), &files));
    contract::order_store(|| fresh()).await;
    contract::charge_store(|| fresh()).await;
    contract::notice_store(|| fresh()).await;
    contract::outbox(|| {
        let store = fresh();
        (Arc::clone(&store) as _, store as _)
    })
    .await;
    keys::contract::idempotency_records(|| fresh()).await;
}

#[tokio::test]
async fn what_was_committed_is_there_after_a_restart() {
    let directory = directory();
    let store = open(directory.path()).await;
    store.insert_with(order("o-1"), vec![message("e-1")]).await.expect("free");
    store.insert_with(order("o-2"), vec![message("e-2")]).await.expect("free");
    store.apply(&id("o-1"), OrderEvent::PaymentStarted, 2_000).await.expect("legal");
    let finished = store.apply(&id("o-1"), paid(), 3_000).await.expect("legal");
    store.mark_sent(&[2]).await.expect("there");
    store.record(charge("ch-1", "k-1")).await.expect("free");
    store.void("k-2").await.expect("there");
    store.close().await;
    let closed = store.insert(order("o-3")).await.expect_err("closed");
    assert_eq!(closed.effect(), Effect::None, "{closed}");

    let store = open(directory.path()).await;
    assert_eq!(OrderStore::all(&store).await, Ok(vec![finished, order("o-2")]));
    assert_eq!(store.unfinished(9_000, 9).await, Ok(vec![order("o-2")]));
    assert_eq!(store.unfinished_total().await, Ok(1));
    assert_eq!(store.totals().await, Ok([(OrderState::Placed, 1), (OrderState::Completed, 1)].into()));
    assert_eq!(store.pending_total().await, Ok(1));
    store.insert_with(order("o-3"), vec![message("e-3")]).await.expect("free");
    let pending = store.pending(0, 9).await.expect("there");
    assert_eq!(pending.iter().map(|message| message.sequence).collect::<Vec<_>>(), [1, 3]);
    assert_eq!(ChargeStore::get(&store, "k-1").await, Ok(Some(charge("ch-1", "k-1"))));
    assert_eq!(store.void("k-2").await, Ok(Voided::Tombstone));
    assert_eq!(store.record(charge("ch-2", "k-2")).await, Err(StoreError::Voided { key: "k-2".to_owned() }));
}

fn ask(key: &str, owner: u64, now_s: u64) -> Ask {
    let now = Duration::from_secs(now_s);
    Ask {
        key: Key::new("c1", key).expect("a key"),
        fingerprint: Fingerprint(7),
        claim: Claim { owner, number: 0 },
        now,
        lease_until: now + Duration::from_secs(30),
    }
}

#[tokio::test]
async fn an_answer_outlives_the_process_until_its_expiry_and_a_lease_does_not() {
    let directory = directory();
    let store = open(directory.path()).await;
    let (done, running) = (ask("done", 1, 100), ask("running", 1, 100));
    assert_eq!(store.begin(&done).await, Ok(Beginning::Begun));
    assert_eq!(store.begin(&running).await, Ok(Beginning::Begun));
    let answer = Answer::from(vec![1, 2, 3]);
    let keep_until = Duration::from_secs(200);
    let stored = store.complete(&done.key, done.claim, &answer, keep_until).await;
    assert_eq!(stored, Ok(Completion::Stored));
    store.close().await;

    let store = open(directory.path()).await;
    assert_eq!(store.begin(&ask("done", 2, 101)).await, Ok(Beginning::Completed(answer.clone())));
    let again = store.complete(&done.key, done.claim, &answer, keep_until).await;
    assert_eq!(again, Ok(Completion::Stored), "a repetition changes nothing");
    assert_eq!(store.begin(&ask("running", 2, 101)).await, Ok(Beginning::Begun), "its process is gone");
    let late = store.complete(&running.key, running.claim, &answer, keep_until).await;
    assert_eq!(late, Ok(Completion::Lost), "the key is another's now");
    assert_eq!(store.begin(&ask("done", 2, 200)).await, Ok(Beginning::Begun), "its time is over");
}

#[tokio::test]
async fn answers_whose_time_is_over_make_room() {
    let directory = directory();
    let store = open(directory.path()).await;
    for number in 0..50 {
        let ask = ask(&format!("k-{number}"), 1, number * 100);
        store.begin(&ask).await.expect("free");
        let until = ask.now + Duration::from_secs(50);
        store.complete(&ask.key, ask.claim, &Answer::from(vec![0; 100]), until).await.expect("its own");
    }
    let left = store.expire(Duration::MAX).await.expect("there");
    assert!(left <= 1, "each answer sweeps what is over: {left}");
}

#[tokio::test]
async fn a_file_that_is_in_use_is_refused() {
    let directory = directory();
    let first = open(directory.path()).await;
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::InUse { .. }), "{error}");
    assert!(error.to_string().contains(FILE) && error.advice().contains("--data"), "{error}");
    first.close().await;
    open(directory.path()).await;
}

#[tokio::test]
async fn a_newer_schema_and_a_foreign_file_are_refused() {
    let directory = directory();
    open(directory.path()).await.close().await;
    let path = directory.path().join(FILE);
    let raise = || {
        let database = redb::Database::open(&path).expect("a database");
        let transaction = database.begin_write().expect("a transaction");
        transaction.open_table(META).expect("a table").insert(SCHEMA_KEY, SCHEMA + 1).expect("written");
        transaction.commit().expect("committed");
    };
    raise();
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::Newer { found, .. } if found == SCHEMA + 1), "{error}");
    std::fs::write(&path, "this is a letter to my aunt, and rather a long one ".repeat(100))
        .expect("written");
    let error = refused(directory.path()).await;
    assert!(matches!(error, OpenError::Foreign { .. }), "{error}");
}

#[tokio::test]
async fn a_damaged_file_is_refused_wherever_the_damage_is() {
    let directory = directory();
    let store = open(directory.path()).await;
    for number in 0..200 {
        store.insert(order(&format!("o-{number}"))).await.expect("free");
    }
    store.close().await;
    let path = directory.path().join(FILE);
    let whole = std::fs::read(&path).expect("readable");
    let page_of = |needle: &[u8]| {
        let at = whole.windows(needle.len()).position(|window| window == needle).expect("it is stored");
        at / 4_096 * 4_096
    };
    // A page of orders, and the header.
    for at in [page_of(b"\"order_id\":\"o-7\"") + 100, 0] {
        let mut file = std::fs::OpenOptions::new().read(true).write(true).open(&path).expect("writable");
        file.write_all(&whole).expect("written");
        file.seek(SeekFrom::Start(at as u64)).expect("in it");
        let mut bytes = [0; 64];
        file.read_exact(&mut bytes).expect("in it");
        file.seek(SeekFrom::Start(at as u64)).expect("in it");
        file.write_all(&bytes.map(|byte| byte ^ 0x55)).expect("written");
        let error = refused(directory.path()).await;
        assert!(matches!(error, OpenError::Damaged { .. } | OpenError::Foreign { .. }), "{at}: {error:?}");
    }
}

#[tokio::test]
async fn a_directory_that_is_none_is_said() {
    let directory = directory();
    let file = directory.path().join("file");
    std::fs::write(&file, "").expect("written");
    let error = refused(&file).await;
    let source = std::error::Error::source(&error).expect("why").to_string();
    assert!(source.contains("is not a directory"), "{error}: {source}");
}
