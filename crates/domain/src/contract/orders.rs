//! What an [`OrderStore`] promises.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::ids::{ChargeId, OrderId};
use crate::new_order::NewOrder;
use crate::order::Order;
use crate::ports::{Effect, OrderStore, StoreError};
use crate::state::{OrderEvent, OrderState};

/// Runs the whole suite over fresh stores.
///
/// # Panics
/// When the store breaks its contract.
pub async fn order_store(make: impl Fn() -> Arc<dyn OrderStore>) {
    can_serve(&*make()).await;
    gives_back_what_was_inserted(&*make()).await;
    refuses_an_id_that_is_taken(&*make()).await;
    moves_an_order_along_the_state_machine(&*make()).await;
    changes_nothing_on_an_illegal_event(&*make()).await;
    knows_nothing_of_an_absent_order(&*make()).await;
    counts_orders_by_state(&*make()).await;
    lists_orders_by_id(&*make()).await;
    finds_what_is_unfinished(&*make()).await;
    lets_one_of_two_racing_inserts_win(&*make()).await;
    lets_one_of_two_racing_events_win(&*make()).await;
    advances_an_order_from_wherever_it_stands(&*make()).await;
    marks_a_finished_order_as_notified(&*make()).await;
}

fn order_id(text: &str) -> OrderId {
    OrderId::new(text).expect("a valid id")
}

fn order(id: &str) -> Order {
    let body = br#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
    NewOrder::parse(body).expect("a valid order").place(|| order_id(id), 1_000)
}

fn paid() -> OrderEvent {
    OrderEvent::PaymentSucceeded { charge_id: ChargeId::new("ch-1").expect("a valid id") }
}

fn failed() -> OrderEvent {
    OrderEvent::Failed { reason: "payment was unavailable".to_owned() }
}

async fn insert(store: &dyn OrderStore, id: &str) {
    store.insert(order(id)).await.expect("the id is free");
}

async fn get(store: &dyn OrderStore, id: &str) -> Option<Order> {
    store.get(&order_id(id)).await.expect("the store is there")
}

async fn can_serve(store: &dyn OrderStore) {
    assert_eq!(store.check().await, Ok(()), "a fresh store can serve");
    insert(store, "o-1").await;
    assert_eq!(store.check().await, Ok(()), "so can one with something in it");
    assert_eq!(store.all().await, Ok(vec![order("o-1")]), "looking changes nothing");
}

async fn gives_back_what_was_inserted(store: &dyn OrderStore) {
    insert(store, "o-1").await;
    assert_eq!(get(store, "o-1").await, Some(order("o-1")), "an order comes back as it was inserted");
}

async fn refuses_an_id_that_is_taken(store: &dyn OrderStore) {
    insert(store, "o-1").await;
    store.apply(&order_id("o-1"), OrderEvent::PaymentStarted, 2_000).await.expect("it is legal");
    let error = store.insert(order("o-1")).await.expect_err("the id is taken");
    assert_eq!(error, StoreError::Exists { id: "o-1".to_owned() });
    assert!(!error.is_retryable() && error.effect() == Effect::None);
    let state = get(store, "o-1").await.map(|order| order.state());
    assert_eq!(state, Some(OrderState::Paying), "what stood there stays");
}

async fn moves_an_order_along_the_state_machine(store: &dyn OrderStore) {
    insert(store, "o-1").await;
    let id = order_id("o-1");
    let order = store.apply(&id, OrderEvent::PaymentStarted, 2_000).await.expect("it is legal");
    assert_eq!((order.state(), order.placed_at_us, order.updated_at_us), (OrderState::Paying, 1_000, 2_000));
    let order = store.apply(&id, paid(), 3_000).await.expect("it is legal");
    assert_eq!((order.state(), order.updated_at_us), (OrderState::Completed, 3_000));
    assert_eq!(order.charge_id.as_ref().map(ChargeId::as_str), Some("ch-1"));
    assert_eq!(get(store, "o-1").await, Some(order), "what apply returns is what is stored");
}

async fn changes_nothing_on_an_illegal_event(store: &dyn OrderStore) {
    insert(store, "o-1").await;
    let id = order_id("o-1");
    let error = store.apply(&id, paid(), 2_000).await.expect_err("it is not paying yet");
    assert!(
        matches!(&error, StoreError::Illegal { source, .. } if source.state == OrderState::Placed),
        "{error:?}"
    );
    assert!(!error.is_retryable() && error.effect() == Effect::None);
    assert_eq!(get(store, "o-1").await, Some(order("o-1")), "nothing changed");
}

async fn knows_nothing_of_an_absent_order(store: &dyn OrderStore) {
    assert_eq!(get(store, "o-1").await, None);
    let error = store.apply(&order_id("o-1"), failed(), 1).await.expect_err("it is absent");
    assert_eq!(error, StoreError::NotFound { id: "o-1".to_owned() });
    assert!(store.totals().await.expect("the store is there").is_empty());
    assert!(store.all().await.expect("the store is there").is_empty());
}

async fn counts_orders_by_state(store: &dyn OrderStore) {
    for id in ["o-1", "o-2", "o-3"] {
        insert(store, id).await;
    }
    store.apply(&order_id("o-2"), failed(), 2_000).await.expect("it is legal");
    let totals = store.totals().await.expect("the store is there");
    let totals: Vec<_> = totals.into_iter().collect();
    assert_eq!(
        totals,
        [(OrderState::Placed, 2), (OrderState::Failed, 1)],
        "states without orders are absent"
    );
}

async fn lists_orders_by_id(store: &dyn OrderStore) {
    for id in ["o-2", "o-10", "o-1"] {
        insert(store, id).await;
    }
    let ids: Vec<_> =
        store.all().await.expect("the store is there").into_iter().map(|o| o.order_id).collect();
    assert_eq!(ids, ["o-1", "o-10", "o-2"].map(order_id), "ascending, as texts");
}

async fn finds_what_is_unfinished(store: &dyn OrderStore) {
    let ids = |orders: Vec<Order>| orders.iter().map(|order| order.order_id.to_string()).collect::<Vec<_>>();
    for id in ["o-1", "o-2", "o-3"] {
        insert(store, id).await;
    }
    store.apply(&order_id("o-1"), OrderEvent::PaymentStarted, 3_000).await.expect("it is placed");
    store.apply(&order_id("o-3"), failed(), 2_000).await.expect("it is placed");
    let unfinished = |before_us, limit| store.unfinished(before_us, limit);
    assert_eq!(ids(unfinished(1_000, 9).await.expect("the store is there")), [""; 0], "nothing is that old");
    assert_eq!(ids(unfinished(1_001, 9).await.expect("the store is there")), ["o-2"]);
    assert_eq!(ids(unfinished(9_000, 9).await.expect("the store is there")), ["o-2", "o-1"], "oldest first");
    assert_eq!(
        ids(unfinished(9_000, 1).await.expect("the store is there")),
        ["o-2"],
        "no more than asked for"
    );
    assert_eq!(store.unfinished_total().await, Ok(2));
    store.apply(&order_id("o-1"), paid(), 4_000).await.expect("it is paying");
    assert_eq!(store.unfinished_total().await, Ok(1));
}

async fn lets_one_of_two_racing_inserts_win(store: &dyn OrderStore) {
    let results = join_all((0..8).map(|_| store.insert(order("o-1")))).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "exactly one insert wins");
}

async fn lets_one_of_two_racing_events_win(store: &dyn OrderStore) {
    insert(store, "o-1").await;
    let id = order_id("o-1");
    store.apply(&id, OrderEvent::PaymentStarted, 2_000).await.expect("it is legal");
    let ends = (0..8).map(|n| store.apply(&id, if n % 2 == 0 { paid() } else { failed() }, 3_000));
    let results = join_all(ends).await;
    assert_eq!(results.iter().filter(|result| result.is_ok()).count(), 1, "exactly one end wins");
}

async fn advances_an_order_from_wherever_it_stands(store: &dyn OrderStore) {
    let steps = || vec![OrderEvent::PaymentStarted, paid()];
    insert(store, "o-1").await;
    let completed = store.advance(&order_id("o-1"), steps(), 2_000).await.expect("it may be paid");
    assert_eq!(completed.state(), OrderState::Completed, "over several states at once");
    assert_eq!(store.advance(&order_id("o-1"), steps(), 3_000).await, Ok(completed.clone()), "said again");
    let error =
        store.advance(&order_id("o-1"), vec![failed()], 3_000).await.expect_err("it has ended otherwise");
    assert!(matches!(error, StoreError::Illegal { .. }), "{error:?}");
    assert_eq!(get(store, "o-1").await, Some(completed), "nothing changed");

    insert(store, "o-2").await;
    store.apply(&order_id("o-2"), OrderEvent::PaymentStarted, 2_000).await.expect("it is legal");
    let order = store.advance(&order_id("o-2"), steps(), 3_000).await.expect("the rest of the way");
    assert_eq!((order.state(), order.updated_at_us), (OrderState::Completed, 3_000));
    let totals = store.totals().await.expect("the store is there");
    assert_eq!(totals, [(OrderState::Completed, 2)].into());
    let absent = store.advance(&order_id("o-3"), steps(), 3_000).await;
    assert_eq!(absent, Err(StoreError::NotFound { id: "o-3".to_owned() }));
}

async fn marks_a_finished_order_as_notified(store: &dyn OrderStore) {
    insert(store, "o-1").await;
    let early = store.apply(&order_id("o-1"), OrderEvent::CustomerNotified, 2_000).await;
    assert!(matches!(early, Err(StoreError::Illegal { .. })), "it has not ended: {early:?}");
    store.apply(&order_id("o-1"), failed(), 2_000).await.expect("it is legal");
    let told =
        store.apply(&order_id("o-1"), OrderEvent::CustomerNotified, 3_000).await.expect("it has ended");
    assert!(told.notified && told.state() == OrderState::Failed && told.updated_at_us == 2_000, "{told:?}");
    assert_eq!(get(store, "o-1").await, Some(told));
    assert_eq!(store.totals().await, Ok([(OrderState::Failed, 1)].into()), "that moved it nowhere");
    assert_eq!(store.unfinished_total().await, Ok(0));
}
