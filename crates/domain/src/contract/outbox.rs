//! What an [`Outbox`] promises, together with the [`OrderStore`] that fills it.

use std::sync::Arc;

use futures_util::future::join_all;

use crate::ids::{EventId, OrderId};
use crate::new_order::NewOrder;
use crate::order::Order;
use crate::outbox::Message;
use crate::ports::{OrderStore, Outbox, StoreError};

/// A store of orders and its outbox: one store, seen from two sides.
pub type Both = (Arc<dyn OrderStore>, Arc<dyn Outbox>);

/// Runs the whole suite over fresh stores.
///
/// # Panics
/// When the store breaks its contract.
pub async fn outbox(make: impl Fn() -> Both) {
    begins_empty(make()).await;
    holds_what_was_committed_with_an_order(make()).await;
    holds_nothing_of_an_order_that_was_refused(make()).await;
    keeps_the_order_of_the_commits(make()).await;
    shows_no_more_than_asked_for(make()).await;
    forgets_what_was_sent_however_often_that_is_said(make()).await;
    never_gives_a_sequence_twice(make()).await;
    loses_none_of_many_at_once(make()).await;
}

fn order(id: &str) -> Order {
    let body = br#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
    let id = OrderId::new(id).expect("a valid id");
    NewOrder::parse(body).expect("a valid order").place(|| id, 1_000)
}

fn message(event_id: &str) -> Message {
    Message {
        event_id: EventId::new(event_id).expect("a valid id"),
        topic: "orders".to_owned(),
        key: "o-1".to_owned(),
        payload: vec![0, 255, b'"', b'\n'],
        at_us: 1_000,
    }
}

async fn insert(orders: &dyn OrderStore, id: &str, events: &[&str]) {
    let messages = events.iter().map(|event| message(event)).collect();
    orders.insert_with(order(id), messages).await.expect("the id is free");
}

/// The events that wait, after a sequence.
async fn pending(outbox: &dyn Outbox, after: u64, limit: usize) -> Vec<String> {
    let messages = outbox.pending(after, limit).await.expect("the store is there");
    assert!(messages.is_sorted_by_key(|message| message.sequence), "sequences ascend: {messages:?}");
    assert!(messages.iter().all(|message| message.sequence > after), "all are above: {messages:?}");
    messages.iter().map(|message| message.message.event_id.to_string()).collect()
}

async fn begins_empty((_, outbox): Both) {
    assert_eq!(pending(&*outbox, 0, 9).await, [""; 0]);
    assert_eq!(outbox.pending_total().await, Ok(0));
    assert_eq!(outbox.mark_sent(&[1, 2]).await, Ok(()), "what is not there is ignored");
}

async fn holds_what_was_committed_with_an_order((orders, outbox): Both) {
    insert(&*orders, "o-1", &["e-1", "e-2"]).await;
    orders.insert(order("o-2")).await.expect("the id is free");
    let id = OrderId::new("o-1").expect("a valid id");
    assert_eq!(orders.get(&id).await, Ok(Some(order("o-1"))), "the order is there");
    let messages = outbox.pending(0, 9).await.expect("the store is there");
    let messages: Vec<_> = messages.into_iter().map(|message| message.message).collect();
    assert_eq!(messages, [message("e-1"), message("e-2")], "messages come back as they were committed");
    assert_eq!(outbox.pending_total().await, Ok(2));
}

async fn holds_nothing_of_an_order_that_was_refused((orders, outbox): Both) {
    insert(&*orders, "o-1", &["e-1"]).await;
    let refused = orders.insert_with(order("o-1"), vec![message("e-2")]).await;
    assert_eq!(refused, Err(StoreError::Exists { id: "o-1".to_owned() }));
    assert_eq!(pending(&*outbox, 0, 9).await, ["e-1"], "both or neither");
    assert_eq!(outbox.pending_total().await, Ok(1));
}

async fn keeps_the_order_of_the_commits((orders, outbox): Both) {
    for (id, event) in [("o-3", "e-9"), ("o-1", "e-5"), ("o-2", "e-7")] {
        insert(&*orders, id, &[event]).await;
    }
    assert_eq!(pending(&*outbox, 0, 9).await, ["e-9", "e-5", "e-7"]);
}

async fn shows_no_more_than_asked_for((orders, outbox): Both) {
    insert(&*orders, "o-1", &["e-1", "e-2", "e-3"]).await;
    assert_eq!(pending(&*outbox, 0, 2).await, ["e-1", "e-2"]);
    let second = outbox.pending(0, 2).await.expect("the store is there")[1].sequence;
    assert_eq!(pending(&*outbox, second, 2).await, ["e-3"]);
    assert_eq!(pending(&*outbox, u64::MAX, 2).await, [""; 0]);
    assert_eq!(pending(&*outbox, 0, 0).await, [""; 0]);
}

async fn forgets_what_was_sent_however_often_that_is_said((orders, outbox): Both) {
    insert(&*orders, "o-1", &["e-1", "e-2", "e-3"]).await;
    let messages = outbox.pending(0, 9).await.expect("the store is there");
    let sent = [messages[2].sequence, messages[0].sequence];
    for _ in 0..2 {
        assert_eq!(outbox.mark_sent(&sent).await, Ok(()));
        assert_eq!(pending(&*outbox, 0, 9).await, ["e-2"]);
        assert_eq!(outbox.pending_total().await, Ok(1));
    }
    assert_eq!(outbox.mark_sent(&[]).await, Ok(()));
}

async fn never_gives_a_sequence_twice((orders, outbox): Both) {
    insert(&*orders, "o-1", &["e-1"]).await;
    let first = outbox.pending(0, 9).await.expect("the store is there")[0].sequence;
    assert!(first >= 1, "sequences begin with 1, so that 0 is before all of them");
    outbox.mark_sent(&[first]).await.expect("the store is there");
    insert(&*orders, "o-2", &["e-2"]).await;
    assert_eq!(pending(&*outbox, first, 9).await, ["e-2"], "it stands above what was sent");
}

async fn loses_none_of_many_at_once((orders, outbox): Both) {
    let ids: Vec<_> = (10..42).map(|number| (format!("o-{number}"), format!("e-{number}"))).collect();
    let inserts = ids.iter().map(|(id, event)| orders.insert_with(order(id), vec![message(event)]));
    assert!(join_all(inserts).await.iter().all(Result::is_ok), "every id is free");
    let mut events = pending(&*outbox, 0, 99).await;
    events.sort();
    assert_eq!(events, ids.into_iter().map(|(_, event)| event).collect::<Vec<_>>());
}
