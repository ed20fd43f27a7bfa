//! What a [`ChargeStore`] promises.

use std::sync::Arc;

use futures_util::future::join;

use crate::charge::{Charge, Voided};
use crate::ids::{ChargeId, OrderId};
use crate::money::Money;
use crate::ports::{ChargeStore, StoreError};

/// Runs the whole suite over fresh stores.
///
/// # Panics
/// When the store breaks its contract.
pub async fn charge_store(make: impl Fn() -> Arc<dyn ChargeStore>) {
    can_serve(&*make()).await;
    finds_a_charge_by_its_id_and_by_its_key(&*make()).await;
    refuses_an_id_or_a_key_that_is_taken(&*make()).await;
    takes_any_number_of_charges_without_a_key(&*make()).await;
    refuses_to_charge_under_a_voided_key(&*make()).await;
    tells_that_it_is_too_late_to_void(&*make()).await;
    refunds_once(&*make()).await;
    finds_nothing_in_an_empty_store(&*make()).await;
    lists_charges_by_id(&*make()).await;
    lets_either_the_charge_or_the_tombstone_win(&*make()).await;
}

fn charge(id: &str, key: Option<&str>) -> Charge {
    Charge {
        id: ChargeId::new(id).expect("a valid id"),
        order_id: OrderId::new("o-1").expect("a valid id"),
        key: key.map(str::to_owned),
        amount: Money::from_minor(1_900).expect("a small amount"),
        at_us: 1_000,
        refunded_at_us: None,
    }
}

async fn record(store: &dyn ChargeStore, charge: Charge) {
    store.record(charge).await.expect("the id and the key are free");
}

async fn get(store: &dyn ChargeStore, key: &str) -> Option<Charge> {
    store.get(key).await.expect("the store is there")
}

async fn can_serve(store: &dyn ChargeStore) {
    assert_eq!(store.check().await, Ok(()), "a fresh store can serve");
    let first = charge("ch-1", None);
    record(store, first.clone()).await;
    assert_eq!(store.check().await, Ok(()), "so can one with something in it");
    assert_eq!(store.all().await, Ok(vec![first]), "looking changes nothing");
}

async fn finds_a_charge_by_its_id_and_by_its_key(store: &dyn ChargeStore) {
    let first = charge("ch-1", Some("order o-1"));
    record(store, first.clone()).await;
    assert_eq!(get(store, "ch-1").await.as_ref(), Some(&first));
    assert_eq!(get(store, "order o-1").await.as_ref(), Some(&first), "a key may be any text");
    assert_eq!(get(store, "o-1").await, None, "an order's id is no key by itself");
    let clash = charge("ch-2", Some("ch-1"));
    record(store, clash).await;
    assert_eq!(get(store, "ch-1").await, Some(first), "an id goes before a key");
}

async fn refuses_an_id_or_a_key_that_is_taken(store: &dyn ChargeStore) {
    record(store, charge("ch-1", Some("k-1"))).await;
    let same_id = store.record(charge("ch-1", None)).await;
    assert_eq!(same_id, Err(StoreError::Exists { id: "ch-1".to_owned() }));
    let same_key = store.record(charge("ch-2", Some("k-1"))).await;
    assert_eq!(same_key, Err(StoreError::Exists { id: "k-1".to_owned() }));
    assert_eq!(get(store, "ch-2").await, None, "nothing is half recorded");
}

async fn takes_any_number_of_charges_without_a_key(store: &dyn ChargeStore) {
    record(store, charge("ch-1", None)).await;
    record(store, charge("ch-2", None)).await;
    let all = store.all().await.expect("the store is there");
    assert_eq!(all.len(), 2, "without a key nothing tells a duplicate: that is what keys are for");
}

async fn refuses_to_charge_under_a_voided_key(store: &dyn ChargeStore) {
    for _ in 0..2 {
        assert_eq!(store.void("k-1").await, Ok(Voided::Tombstone), "to void is idempotent");
    }
    let late = store.record(charge("ch-1", Some("k-1"))).await;
    assert_eq!(late, Err(StoreError::Voided { key: "k-1".to_owned() }));
    assert_eq!(get(store, "ch-1").await, None);
    assert_eq!(get(store, "k-1").await, None, "a tombstone is no charge");
    record(store, charge("ch-1", Some("k-2"))).await;
}

async fn tells_that_it_is_too_late_to_void(store: &dyn ChargeStore) {
    record(store, charge("ch-1", Some("k-1"))).await;
    let found = store.void("k-1").await;
    assert_eq!(found, Ok(Voided::AlreadyCharged(charge("ch-1", Some("k-1")))));
    assert_eq!(get(store, "k-1").await, Some(charge("ch-1", Some("k-1"))), "nothing was changed");
}

async fn refunds_once(store: &dyn ChargeStore) {
    record(store, charge("ch-1", Some("k-1"))).await;
    let refunded = store.refund("k-1", 5_000).await.expect("the charge is there");
    assert_eq!(refunded.refunded_at_us, Some(5_000));
    let again = store.refund("ch-1", 9_000).await.expect("the charge is there");
    assert_eq!(again, refunded, "the money goes back once");
    assert_eq!(get(store, "k-1").await, Some(refunded));
    let key_again = store.record(charge("ch-2", Some("k-1"))).await;
    assert!(key_again.is_err(), "a refund does not free the key");
}

async fn finds_nothing_in_an_empty_store(store: &dyn ChargeStore) {
    assert_eq!(get(store, "k-1").await, None);
    assert_eq!(get(store, "not/an id, and no key").await, None);
    assert_eq!(store.refund("k-1", 1).await, Err(StoreError::NotFound { id: "k-1".to_owned() }));
    assert_eq!(store.all().await, Ok(Vec::new()));
}

async fn lists_charges_by_id(store: &dyn ChargeStore) {
    for id in ["ch-2", "ch-10", "ch-1"] {
        record(store, charge(id, None)).await;
    }
    let ids: Vec<_> = store.all().await.expect("the store is there").into_iter().map(|c| c.id).collect();
    let sorted = ["ch-1", "ch-10", "ch-2"].map(|id| ChargeId::new(id).expect("a valid id"));
    assert_eq!(ids, sorted, "ascending, as texts");
}

async fn lets_either_the_charge_or_the_tombstone_win(store: &dyn ChargeStore) {
    let (recorded, voided) = join(store.record(charge("ch-1", Some("k-1"))), store.void("k-1")).await;
    match voided.expect("the store is there") {
        Voided::Tombstone => assert_eq!(recorded, Err(StoreError::Voided { key: "k-1".to_owned() })),
        Voided::AlreadyCharged(charge) => {
            assert_eq!((recorded, charge.key.as_deref()), (Ok(()), Some("k-1")))
        }
    }
}
