//! Messages that a consumer holds, puts off, or says nothing about.

use std::time::Duration;

use tokio::time::Instant;

use super::case::{Case, GROUP, Hand, LONG, SHORT, ids, said};
use super::tests;
use crate::broker::{Delivery, Ordering, Receipt, Verdict};

tests![
    what_is_put_off_comes_again_not_before_its_time,
    what_is_put_off_without_a_delay_comes_again,
    a_message_that_is_put_off_keeps_back_its_key,
    what_nobody_speaks_about_is_given_out_again,
    what_is_extended_is_not_given_out_again,
    what_is_said_too_late_has_no_effect,
];

async fn what_is_put_off_comes_again_not_before_its_time(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "k")]).await;
    let consumer = case.consumer().await;
    let mut delivery = consumer.next().await;
    for attempt in 1..=2 {
        assert_eq!((said(&delivery).as_str(), delivery.attempt), ("a", attempt));
        let began = Instant::now();
        consumer.retry_after(delivery.receipt, SHORT, "not now").await;
        delivery = consumer.next().await;
        assert!(began.elapsed() >= SHORT, "{:?} after it was put off", began.elapsed());
    }
    assert_eq!((&delivery.message, delivery.attempt), (&case.message("a", "k"), 3));
    consumer.ack(&[delivery.receipt]).await;
    case.lag_is(GROUP, 0, 0).await;
}

async fn what_is_put_off_without_a_delay_comes_again(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "1"), ("b", "2")]).await;
    let consumer = case.consumer().await;
    for delivery in consumer.take(2).await {
        consumer.retry_after(delivery.receipt, Duration::ZERO, "again").await;
    }
    let again = consumer.drain(2).await;
    let mut came = ids(&again);
    came.sort();
    assert_eq!(came, ["a", "b"]);
    assert!(again.iter().all(|delivery| delivery.attempt == 2), "{again:?}");
    consumer.nothing_comes("both are dealt with").await;
}

async fn a_message_that_is_put_off_keeps_back_its_key(case: &Case) {
    if case.broker.capabilities().order != Ordering::PerKey {
        return;
    }
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "k"), ("b", "k"), ("x", "other"), ("c", "k")]).await;
    let consumer = case.consumer().await;
    let first = consumer.take(2).await;
    let mut came = ids(&first);
    came.sort();
    assert_eq!(came, ["a", "x"], "one of a key at a time");
    consumer.nothing_comes("b waits until a is dealt with").await;
    for delivery in first {
        match said(&delivery).as_str() {
            "a" => consumer.retry_after(delivery.receipt, SHORT, "not now").await,
            _ => consumer.ack(&[delivery.receipt]).await,
        }
    }
    assert_eq!(ids(&consumer.drain(3).await), ["a", "b", "c"]);
}

async fn what_nobody_speaks_about_is_given_out_again(case: &Case) {
    case.declare(&[GROUP]).await;
    let silent = case.joined(GROUP, "silent", SHORT, 64).await;
    case.publish(&[("a", "k")]).await;
    let first = silent.next().await;
    assert_eq!(first.attempt, 1);
    // It may be the same consumer who gets it.
    let again = silent.next().await;
    assert_eq!((&again.message, again.attempt), (&first.message, 2));
    assert_ne!(again.receipt, first.receipt, "another delivery");
    let third = silent.next().await;
    assert_eq!((&third.message, third.attempt), (&first.message, 3));
}

/// Holds a message for twice its lease by extending it, and says whether no pause was longer than the lease: a machine
/// that stands still proves nothing.
async fn is_held(consumer: &Hand<'_>, receipt: Receipt) -> Option<usize> {
    let lease = SHORT * 3;
    let (began, mut extended) = (Instant::now(), Instant::now());
    while began.elapsed() < lease * 2 {
        let came = consumer.fetch(9, SHORT / 2).await;
        let asked = Instant::now();
        let lost = consumer.consumer.extend(&[receipt]).await.expect("the broker is there");
        if extended.elapsed() >= lease {
            return None;
        }
        assert_eq!((ids(&came), lost), (Vec::new(), 0), "it is held");
        extended = asked;
    }
    Some(consumer.settle(receipt, Verdict::Ack).await).filter(|_| extended.elapsed() < lease)
}

async fn what_is_extended_is_not_given_out_again(case: &Case) {
    case.declare(&[GROUP]).await;
    let consumer = case.joined(GROUP, "consumer", SHORT * 3, 64).await;
    for number in 0..5 {
        let id = format!("{number}");
        case.publish(&[(&id, &id)]).await;
        let mut delivery: Delivery = consumer.next().await;
        while said(&delivery) != id {
            consumer.settle(delivery.receipt, Verdict::Ack).await;
            delivery = consumer.next().await;
        }
        if let Some(stale) = is_held(&consumer, delivery.receipt).await {
            assert_eq!(stale, 0, "it was held to the end");
            case.lag_is(GROUP, 0, 0).await;
            return;
        }
    }
    panic!("this machine stands still too often to tell");
}

async fn what_is_said_too_late_has_no_effect(case: &Case) {
    case.declare(&[GROUP]).await;
    let consumer = case.joined(GROUP, "consumer", SHORT, 64).await;
    case.publish(&[("a", "k")]).await;
    let first = consumer.next().await;
    let second = consumer.next().await;
    assert_eq!(consumer.settle(first.receipt, Verdict::Ack).await, 1, "its lease is over");
    assert_eq!(consumer.consumer.extend(&[first.receipt]).await, Ok(1));
    let dead = Verdict::Dead { reason: "too late".to_owned() };
    assert_eq!(consumer.settle(first.receipt, dead).await, 1);
    // So it is not dealt with, and comes until somebody does it in time.
    let mut delivery = second;
    let began = Instant::now();
    while consumer.settle(delivery.receipt, Verdict::Ack).await > 0 {
        assert!(began.elapsed() < case.within, "nobody is ever in time");
        delivery = consumer.next().await;
    }
    assert_eq!(consumer.settle(delivery.receipt, Verdict::Ack).await, 1, "said again, it does no harm");
    case.lag_is(GROUP, 0, 0).await;
    assert_eq!(case.letters.total(&case.filter()).await, Ok(0));
    let nobody = Receipt { message: u64::MAX >> 1, delivery: u64::MAX >> 1 };
    let long = case.joined(GROUP, "other", LONG, 1).await;
    assert_eq!(long.settle(nobody, Verdict::Ack).await, 1, "what nobody was given");
}
