//! Events as they travel, and what is made of those that cannot be read.

use proptest::prelude::*;

use super::*;
use crate::state::OrderState;

fn id(text: &str) -> OrderId {
    OrderId::new(text).expect("a valid id")
}

fn paid(order_id: &str) -> Event {
    Event::PaymentCompleted {
        order_id: id(order_id),
        customer_id: CustomerId::new("c-1").expect("a valid id"),
        charge_id: ChargeId::new("ch-1").expect("a valid id"),
        attempts: 2,
    }
}

fn told(order_id: &str) -> Event {
    let ended = Ended::GivenUp { reason: "no money".to_owned() };
    Event::CustomerNotified { order_id: id(order_id), ended }
}

fn given_up(order_id: &str, declined: bool) -> Event {
    let (customer_id, reason) = (CustomerId::new("c-1").expect("a valid id"), "no money".to_owned());
    Event::PaymentFailed { order_id: id(order_id), customer_id, declined, reason, attempts: 1 }
}

#[test]
fn comes_back_from_its_payload_as_it_was() {
    for event in [paid("o-1"), given_up("o-1", true), given_up("o-1", false), told("o-1")] {
        let envelope = Envelope::new(event.clone(), Some("r-1".to_owned()), None);
        let message = envelope.message(7);
        assert_eq!((message.topic.as_str(), message.key.as_str()), (event.topic(), "o-1"));
        assert_eq!(Envelope::parse(&message.payload), Ok(envelope));
    }
}

#[test]
fn is_told_under_one_id_however_often_and_however_a_payment_ended() {
    assert_eq!(paid("o-1").id(), given_up("o-1", true).id());
    assert_ne!(paid("o-1").id(), paid("o-2").id());
    assert_ne!(paid("o-1").id(), told("o-1").id());
    let (longest, other) = (format!("{}a", "x".repeat(63)), format!("{}b", "x".repeat(63)));
    assert_ne!(paid(&longest).id(), paid(&other).id(), "long ids are told apart to their last letter");
}

#[test]
fn a_newer_schema_is_not_taken_for_nonsense() {
    let newer = br#"{"schema":2,"event":"something_new"}"#;
    assert_eq!(Envelope::parse(newer), Err(Undecodable::Newer { found: 2 }));
    for nonsense in
        [&b""[..], b"{", b"{}", br#"{"schema":1}"#, br#"{"schema":1,"event":"order_eaten"}"#, b"\xff"]
    {
        let read = Envelope::parse(nonsense);
        assert!(matches!(read, Err(Undecodable::Malformed { .. })), "{read:?}");
    }
}

#[test]
fn what_a_newer_program_adds_is_ignored() {
    let more = br#"{"schema":1,"event":"customer_notified","order_id":"o-1","ended":"given_up","reason":"no money","by":"pigeon"}"#;
    assert_eq!(Envelope::parse(more), Ok(Envelope::new(told("o-1"), None, None)));
}

#[test]
fn its_steps_bring_an_order_to_its_end_from_wherever_it_stands_and_however_often() {
    let body = br#"{"customer_id":"c1","items":[{"product_id":"PIZZA-1","quantity":2,"price":9.50}]}"#;
    let placed = crate::NewOrder::parse(body).expect("a valid order").place(|| id("o-1"), 1_000);
    for (event, end) in [
        (paid("o-1"), OrderState::Completed),
        (given_up("o-1", true), OrderState::Declined),
        (given_up("o-1", false), OrderState::Failed),
        (told("o-1"), OrderState::Failed),
    ] {
        let mut order = placed.clone();
        order.advance(event.steps(), 2_000).expect("it may end like this");
        let once = order.clone();
        assert_eq!((order.state(), order.updated_at_us), (end, 2_000), "{event:?}");
        assert_eq!(order.notified, event == told("o-1"));
        order.advance(event.steps(), 3_000).expect("it may be said again");
        assert_eq!(order, once);
    }
    let mut failed = placed;
    failed.advance(given_up("o-1", false).steps(), 2_000).expect("it may fail");
    failed.advance(paid("o-1").steps(), 3_000).expect_err("it has ended otherwise");
    failed.advance(told("o-1").steps(), 3_000).expect("its customer may be told");
    assert_eq!((failed.notified, failed.updated_at_us), (true, 2_000), "that moves it no more");
}

proptest! {
    #[test]
    fn no_payload_makes_it_panic(payload in proptest::collection::vec(any::<u8>(), 0..200)) {
        let _read = Envelope::parse(&payload);
    }
}
