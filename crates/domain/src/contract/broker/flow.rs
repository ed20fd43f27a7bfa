//! Messages on their way from who publishes to one consumer.

use std::time::Duration;

use futures_util::future::join;
use tokio::time::Instant;

use super::case::{Case, GROUP, LONG, QUIET, SHORT, ids, receipts, said};
use super::tests;
use crate::broker::{BrokerError, Delivery, Verdict};
use crate::outbox::Message;

tests![
    brings_what_was_published_byte_for_byte,
    brings_messages_as_large_as_it_says,
    refuses_messages_that_are_too_large,
    takes_nothing_at_all,
    brings_many,
    keeps_the_order_of_each_key,
    brings_at_most_as_many_as_asked_for,
    waits_for_the_next_message,
    gives_a_consumer_no_more_than_it_may_hold,
    what_is_acknowledged_does_not_come_again,
    counts_what_a_group_has_not_dealt_with,
    drops_a_second_publish_or_says_that_it_does_not,
];

async fn brings_what_was_published_byte_for_byte(case: &Case) {
    case.declare(&[GROUP]).await;
    let payloads: [&[u8]; 4] = [b"", b"{\"json\":true}", &[0, 255, b'"', b'\n', 0xc3, 0x28], b"\r\n\r\n"];
    let keys = ["", "o-1", "with blanks, dots ... and *>", "schl\u{fc}ssel/\u{1f355}"];
    let mut messages: Vec<Message> = Vec::new();
    for (number, (payload, key)) in payloads.iter().zip(keys).enumerate() {
        let at_us = [0, 1, 1_700_000_000_000_000, u64::MAX >> 1][number];
        messages.push(Message {
            payload: payload.to_vec(),
            at_us,
            ..case.message(&format!("m~{number}"), key)
        });
    }
    messages.push(Message { payload: (0..=u8::MAX).collect(), ..case.message("m~bytes", "bytes") });
    case.send(messages.clone()).await;
    let consumer = case.consumer().await;
    let mut came: Vec<_> = consumer.drain(5).await.into_iter().map(|delivery| delivery.message).collect();
    came.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    messages.sort_by(|a, b| a.event_id.cmp(&b.event_id));
    assert_eq!(came, messages);
}

async fn brings_messages_as_large_as_it_says(case: &Case) {
    case.declare(&[GROUP]).await;
    let bytes_max = case.broker.capabilities().payload_bytes_max;
    let payload: Vec<u8> = (0..bytes_max).map(|at| (at % 251) as u8).collect();
    for id in ["a", "b", "c"] {
        case.send(vec![Message { payload: payload.clone(), ..case.message(id, id) }]).await;
    }
    let consumer = case.consumer().await;
    for delivery in consumer.drain(3).await {
        assert!(delivery.message.payload == payload, "{}: {bytes_max} bytes", delivery.message.event_id);
    }
}

async fn refuses_messages_that_are_too_large(case: &Case) {
    case.declare(&[GROUP]).await;
    let bytes_max = case.broker.capabilities().payload_bytes_max;
    let large = Message { payload: vec![7; bytes_max + 1], ..case.message("b", "k-2") };
    let refused = case.broker.publish(vec![case.message("a", "k-1"), large]).await;
    assert_eq!(refused, Err(BrokerError::TooLarge { bytes: bytes_max + 1, bytes_max }));
    let consumer = case.consumer().await;
    consumer.nothing_comes("all of a call or nothing").await;
    case.publish(&[("c", "k-3")]).await;
    assert_eq!(ids(&consumer.drain(1).await), ["c"], "it goes on");
}

async fn takes_nothing_at_all(case: &Case) {
    case.declare(&[GROUP]).await;
    case.send(Vec::new()).await;
    let consumer = case.consumer().await;
    assert_eq!(consumer.consumer.settle(Vec::new()).await, Ok(0));
    assert_eq!(consumer.consumer.extend(&[]).await, Ok(0));
    consumer.nothing_comes("nothing was published").await;
}

async fn brings_many(case: &Case) {
    const COUNT: usize = 500;
    case.declare(&[GROUP]).await;
    let names: Vec<_> = (0..COUNT).map(|number| format!("{number:04}")).collect();
    case.send(names.iter().map(|name| case.message(name, name)).collect()).await;
    let consumer = case.joined(GROUP, "consumer", LONG, 100).await;
    let mut came: Vec<Delivery> = Vec::new();
    while came.len() < COUNT {
        let next = consumer.take((COUNT - came.len()).min(50)).await;
        consumer.ack(&receipts(&next)).await;
        came.extend(next);
    }
    let mut came = ids(&came);
    came.sort();
    assert_eq!(came, names, "each of them, once");
}

async fn keeps_the_order_of_each_key(case: &Case) {
    const EACH: usize = 6;
    case.declare(&[GROUP]).await;
    for number in 0..EACH {
        let ids: Vec<_> = ["a", "b", "c"].map(|key| (format!("{key}{number}"), key)).into();
        let both: Vec<_> = ids.iter().map(|(id, key)| (id.as_str(), *key)).collect();
        // In one call, and in calls one after the other.
        case.publish(&both).await;
    }
    case.publish(&[("d0", "d"), ("d1", "d"), ("d2", "d")]).await;
    let consumer = case.consumer().await;
    let came = ids(&consumer.drain(3 * EACH + 3).await);
    for key in ["a", "b", "c", "d"] {
        let of_key: Vec<_> = came.iter().filter(|id| id.starts_with(key)).collect();
        assert!(of_key.is_sorted(), "of {key}: {of_key:?}");
    }
}

async fn brings_at_most_as_many_as_asked_for(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")]).await;
    let consumer = case.consumer().await;
    // How many come is for the broker to say; more than two it is never.
    let first = consumer.take(2).await;
    let rest = consumer.take(3).await;
    let mut came = ids(&[first, rest].concat());
    came.sort();
    assert_eq!(came, ["a", "b", "c", "d", "e"]);
    assert!(consumer.fetch(0, QUIET).await.is_empty(), "nothing was asked for");
}

async fn waits_for_the_next_message(case: &Case) {
    case.declare(&[GROUP]).await;
    let consumer = case.consumer().await;
    let began = Instant::now();
    assert!(consumer.fetch(9, SHORT).await.is_empty());
    assert!(began.elapsed() >= SHORT, "it waits as long as it was told: {:?}", began.elapsed());
    let wait = case.within * 10;
    let publish = async {
        tokio::time::sleep(QUIET).await;
        case.publish(&[("a", "k")]).await;
    };
    let (came, ()) = join(consumer.fetch(9, wait), publish).await;
    assert_eq!(ids(&came), ["a"], "as soon as there is one");
    assert!(began.elapsed() < wait);
    assert_eq!(came[0].attempt, 1);
    consumer.ack(&receipts(&came)).await;
}

async fn gives_a_consumer_no_more_than_it_may_hold(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]).await;
    let consumer = case.joined(GROUP, "consumer", LONG, 2).await;
    let held = consumer.take(2).await;
    consumer.nothing_comes("it holds two already").await;
    consumer.ack(&[held[0].receipt]).await;
    let third = consumer.next().await;
    consumer.nothing_comes("it holds two again").await;
    consumer.ack(&[held[1].receipt, third.receipt]).await;
    let fourth = consumer.next().await;
    consumer.ack(&[fourth.receipt]).await;
    let mut came = ids(&[held, vec![third, fourth]].concat());
    came.sort();
    assert_eq!(came, ["a", "b", "c", "d"]);
}

async fn what_is_acknowledged_does_not_come_again(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "1"), ("b", "2")]).await;
    let consumer = case.joined(GROUP, "consumer", SHORT, 64).await;
    let mut acknowledged = 0;
    while acknowledged < 2 {
        for delivery in consumer.take(1).await {
            // A machine that stands still for longer than the lease gets it again: then it was not acknowledged.
            acknowledged += 1 - consumer.settle(delivery.receipt, Verdict::Ack).await;
        }
    }
    let came = consumer.fetch(9, SHORT * 3).await;
    assert_eq!(ids(&came), [""; 0], "their leases are long over");
    case.lag_is(GROUP, 0, 0).await;
}

async fn counts_what_a_group_has_not_dealt_with(case: &Case) {
    case.declare(&[GROUP]).await;
    case.lag_is(GROUP, 0, 0).await;
    case.publish(&[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]).await;
    case.lag_is(GROUP, 4, 0).await;
    let consumer = case.consumer().await;
    let held = consumer.take(2).await;
    case.lag_is(GROUP, 2, 2).await;
    consumer.ack(&[held[0].receipt]).await;
    case.lag_is(GROUP, 2, 1).await;
    consumer.retry_after(held[1].receipt, LONG, "later").await;
    case.lag_is(GROUP, 3, 0).await;
    let rest = consumer.take(2).await;
    consumer.ack(&receipts(&rest)).await;
    case.lag_is(GROUP, 1, 0).await;
}

async fn drops_a_second_publish_or_says_that_it_does_not(case: &Case) {
    case.declare(&[GROUP]).await;
    let twice = case.message("a", "k");
    case.send(vec![twice.clone()]).await;
    case.send(vec![twice.clone()]).await;
    let consumer = case.consumer().await;
    let first = consumer.drain(1).await;
    match case.broker.capabilities().deduplicates_for {
        Some(window) => {
            assert!(window > Duration::ZERO);
            consumer.nothing_comes("it says that it knows the id again").await;
        }
        None => {
            let second = consumer.drain(1).await;
            assert_eq!((second[0].message.clone(), said(&second[0])), (twice, said(&first[0])));
            assert_ne!(second[0].receipt.message, first[0].receipt.message, "they are two");
        }
    }
    consumer.nothing_comes("no more than was published").await;
}
