//! Several groups, and several consumers of one.

use std::collections::BTreeMap;

use futures_util::future::join;
use tokio::time::Instant;

use super::case::{Case, GROUP, Hand, LONG, OTHER, QUIET, ids, receipts};
use super::tests;

tests![
    every_group_gets_every_message,
    topics_know_nothing_of_each_other,
    consumers_of_a_group_share_its_messages,
    closing_gives_back_what_a_consumer_holds,
];

async fn every_group_gets_every_message(case: &Case) {
    case.declare(&[GROUP, OTHER]).await;
    case.publish(&[("a", "1"), ("b", "2"), ("c", "3")]).await;
    let consumers = [case.joined(GROUP, "one", LONG, 64).await, case.joined(OTHER, "other", LONG, 64).await];
    // What one group has dealt with, the other has not.
    for consumer in &consumers {
        let mut came = ids(&consumer.drain(3).await);
        came.sort();
        assert_eq!(came, ["a", "b", "c"]);
        consumer.nothing_comes("each once").await;
    }
    for group in [GROUP, OTHER] {
        case.lag_is(group, 0, 0).await;
    }
}

async fn topics_know_nothing_of_each_other(case: &Case) {
    let there = case.beside();
    case.declare(&[GROUP]).await;
    there.declare(&[GROUP]).await;
    let messages = vec![case.message("a", "k"), there.message("b", "k"), case.message("c", "k")];
    case.send(messages).await;
    assert_eq!(ids(&there.consumer().await.drain(1).await), ["b"]);
    assert_eq!(ids(&case.consumer().await.drain(2).await), ["a", "c"]);
    there.consumer().await.nothing_comes("a group's name is its topic's own").await;
}

/// Fetches once and acknowledges what came.
async fn turn(consumer: &Hand<'_>, came: &mut BTreeMap<String, usize>) -> usize {
    let deliveries = consumer.fetch(2, QUIET).await;
    consumer.ack(&receipts(&deliveries)).await;
    for id in ids(&deliveries) {
        *came.entry(id).or_default() += 1;
    }
    deliveries.len()
}

async fn consumers_of_a_group_share_its_messages(case: &Case) {
    if case.broker.capabilities().parallelism_max == Some(1) {
        return;
    }
    case.declare(&[GROUP]).await;
    let (one, two) = (case.joined(GROUP, "one", LONG, 2).await, case.joined(GROUP, "two", LONG, 2).await);
    let (began, mut published) = (Instant::now(), 0);
    let (mut of_one, mut of_two) = (BTreeMap::new(), BTreeMap::new());
    // Until both of them have a part, however long it takes a broker to give them one, and then some.
    for wave in 0.. {
        for number in 0..20 {
            let id = format!("{wave}-{number}");
            case.publish(&[(&id, &id)]).await;
            published += 1;
        }
        let mut missing = 20;
        while missing > 0 {
            let (first, second) = join(turn(&one, &mut of_one), turn(&two, &mut of_two)).await;
            missing -= first + second;
            assert!(began.elapsed() < case.within, "{missing} of wave {wave} are missing");
        }
        if wave > 0 && !of_one.is_empty() && !of_two.is_empty() {
            break;
        }
        assert!(began.elapsed() < case.within, "one has {}, the other {}", of_one.len(), of_two.len());
    }
    assert_eq!(of_one.len() + of_two.len(), published, "each message has one of the two");
    assert!(of_one.values().chain(of_two.values()).all(|times| *times == 1), "each once");
}

async fn closing_gives_back_what_a_consumer_holds(case: &Case) {
    case.declare(&[GROUP]).await;
    case.publish(&[("a", "1"), ("b", "2"), ("c", "1")]).await;
    let leaving = case.joined(GROUP, "leaving", LONG, 64).await;
    let held = leaving.take(2).await;
    leaving.consumer.close().await;
    // Its lease is longer than anything here waits.
    let staying = case.joined(GROUP, "staying", LONG, 64).await;
    let mut came = ids(&staying.drain(3).await);
    came.sort();
    assert_eq!(came, ["a", "b", "c"], "{:?} were held", ids(&held));
    case.lag_is(GROUP, 0, 0).await;
}
