//! What is written ahead of what follows from it, where orders and charges are in one log.

use super::*;

/// As it stands when it is inserted ahead: straight on its way to be paid.
fn paying(name: &str) -> Order {
    let mut order = order(name);
    order.apply(OrderEvent::PaymentStarted, 2_000).expect("legal");
    order
}

#[tokio::test]
async fn an_order_and_its_charge_written_ahead_are_durable_with_its_end() {
    let directory = directory();
    let store = open(directory.path()).await.with_both();
    let charge = drawn_charge("o-1");
    store.insert_ahead(paying("o-1")).await.expect("written ahead");
    store.record_ahead(charge.clone()).await.expect("written ahead");
    let paid = OrderEvent::PaymentSucceeded { charge_id: charge.id.clone() };
    let order = store.apply(&id("o-1"), paid, 3_000).await.expect("legal");
    assert_eq!(OrderStore::get(&store, &id("o-1")).await, Ok(Some(order)));
    assert_eq!(ChargeStore::all(&store).await, Ok(vec![charge]));
}

#[tokio::test]
async fn what_is_written_ahead_goes_by_itself_when_nothing_follows() {
    let directory = directory();
    let store = open(directory.path()).await.with_both();
    store.insert_ahead(paying("o-1")).await.expect("written ahead");
    for _ in 0..1_000 {
        if store.unfinished_total().await == Ok(1) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("it was never written");
}

#[tokio::test]
async fn neither_an_order_nor_a_charge_speaks_of_the_other_when_it_is_not_there() {
    let directory = directory();
    let store = open(directory.path()).await.with_both();
    store.record_ahead(drawn_charge("o-1")).await.expect("nobody waits for it");
    store.insert(paying("o-2")).await.expect("free");
    assert_eq!(ChargeStore::all(&store).await, Ok(vec![]));
    let refused = store.apply(&id("o-2"), paid(), 3_000).await;
    assert_eq!(refused, Err(StoreError::NotFound { id: "ch-1".to_owned() }));
    assert_eq!(OrderStore::get(&store, &id("o-2")).await, Ok(Some(paying("o-2"))));
}

#[tokio::test]
async fn without_both_in_one_log_nothing_is_written_ahead() {
    let directory = directory();
    let store = open(directory.path()).await;
    store.insert_ahead(paying("o-1")).await.expect("free");
    assert_eq!(store.unfinished_total().await, Ok(1));
    let taken = store.insert_ahead(paying("o-1")).await;
    assert_eq!(taken, Err(StoreError::Exists { id: "o-1".to_owned() }));
}

#[tokio::test]
async fn a_store_that_was_closed_refuses_what_would_be_written_ahead() {
    let directory = directory();
    let store = open(directory.path()).await.with_both();
    store.insert_ahead(paying("o-1")).await.expect("written ahead");
    store.close().await;
    let refused = store.insert_ahead(paying("o-2")).await.expect_err("closed");
    assert_eq!(refused.effect(), Effect::None);
    let store = open(directory.path()).await;
    assert_eq!(OrderStore::all(&store).await, Ok(vec![paying("o-1")]));
}

#[tokio::test]
async fn more_than_can_be_put_aside_goes_at_once_and_in_order() {
    let directory = directory();
    let store = open(directory.path()).await.with_both();
    for n in 0..1_000 {
        let name = format!("o-{n:04}");
        store.insert_ahead(paying(&name)).await.expect("written ahead");
        store.record_ahead(drawn_charge(&name)).await.expect("written ahead");
    }
    let paid = OrderEvent::PaymentSucceeded { charge_id: drawn_charge("o-0999").id };
    store.apply(&id("o-0999"), paid, 3_000).await.expect("both are there");
    assert_eq!(OrderStore::all(&store).await.expect("there").len(), 1_000);
    assert_eq!(ChargeStore::all(&store).await.expect("there").len(), 1_000, "each found its order");
}
