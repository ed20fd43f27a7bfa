//! The hand of a consumer, without Kafka.

use std::time::Duration;

use domain::EventId;

use super::*;

const LEASE: Duration = Duration::from_secs(1);
const FIRST: Place = Place { is_retry: false, partition: 0 };
const OTHER: Place = Place { is_retry: true, partition: 0 };

fn received(place: Place, offset: i64, due: Instant) -> Received {
    let message = Message {
        event_id: EventId::new(format!("e-{offset}")).expect("an id"),
        topic: "orders".to_owned(),
        key: String::new(),
        payload: Vec::new(),
        at_us: 0,
    };
    Received { place, offset, message, attempt: 1, history: Vec::new(), due }
}

fn hand(max: usize, offsets: std::ops::Range<i64>) -> (Hand, Instant) {
    let (mut hand, now) = (Hand::new(max), Instant::now());
    hand.assign(&[FIRST, OTHER]);
    offsets.for_each(|offset| hand.receive(received(FIRST, offset, now)));
    (hand, now)
}

fn settle(hand: &mut Hand, receipt: Receipt, now: Instant) -> bool {
    if hand.begin(receipt, now).is_none() {
        return false;
    }
    hand.done(receipt);
    hand.finish(receipt, true)
}

#[tokio::test(start_paused = true)]
async fn gives_in_order_and_no_more_than_may_be_held() {
    let (mut hand, now) = hand(3, 0..5);
    let given = hand.give(2, now, now + LEASE);
    assert_eq!(
        given.iter().map(|given| given.message.event_id.to_string()).collect::<Vec<_>>(),
        ["e-0", "e-1"]
    );
    assert_eq!((hand.give(9, now, now + LEASE).len(), hand.give(9, now, now + LEASE).len()), (1, 0));
    assert!(settle(&mut hand, given[0].receipt, now));
    assert!(!settle(&mut hand, given[0].receipt, now), "it was settled");
    assert_eq!(hand.to_commit(), [(FIRST, 1)]);
    assert_eq!(hand.give(9, now, now + LEASE).len(), 1, "there is room again");
}

#[tokio::test(start_paused = true)]
async fn what_nobody_speaks_about_is_given_again_as_another_attempt() {
    let (mut hand, now) = hand(9, 0..2);
    let first = hand.give(9, now, now + LEASE);
    assert_eq!(hand.next_change(), Some(now + LEASE));
    let later = now + LEASE;
    let again = hand.give(9, later, later + LEASE);
    assert_eq!((again.len(), again[0].attempt), (2, 2));
    assert!(!settle(&mut hand, first[0].receipt, later), "another delivery");
    assert!(hand.extend(again[0].receipt, later, later + 2 * LEASE));
    assert!(!settle(&mut hand, again[1].receipt, later + LEASE), "its lease is over");
    assert!(settle(&mut hand, again[0].receipt, later + LEASE), "it was extended");
}

#[tokio::test(start_paused = true)]
async fn what_is_not_due_waits_and_keeps_nobody_back() {
    let (mut hand, now) = hand(9, 0..0);
    hand.receive(received(OTHER, 4, now + LEASE));
    hand.receive(received(FIRST, 7, now));
    assert_eq!(hand.give(9, now, now + LEASE)[0].message.event_id.as_str(), "e-7");
    assert_eq!(hand.give(9, now, now + LEASE).len(), 0);
    assert_eq!(hand.next_change(), Some(now + LEASE));
    let late = now + LEASE;
    assert_eq!(hand.give(9, late, late + LEASE).len(), 2, "the other's lease is over as well");
}

#[tokio::test(start_paused = true)]
async fn a_partition_that_is_taken_away_takes_its_messages_along() {
    let (mut hand, now) = hand(9, 0..3);
    let given = hand.give(2, now, now + LEASE);
    hand.leave(&[FIRST]);
    assert_eq!(hand.give(9, now, now + LEASE).len(), 0, "it is leaving");
    assert!(hand.is_busy(&[FIRST], now) && !hand.is_busy(&[OTHER], now));
    assert!(settle(&mut hand, given[0].receipt, now), "what is in hand may be settled");
    assert_eq!(hand.to_commit(), [(FIRST, 1)]);
    assert!(hand.begin(given[1].receipt, now).is_some());
    hand.revoke(&[FIRST]);
    assert!(!hand.finish(given[1].receipt, true), "too late");
    assert_eq!((hand.count(false), hand.to_commit(), hand.is_busy(&[FIRST], now)), (0, vec![], false));
    hand.receive(received(FIRST, 9, now));
    assert_eq!(hand.count(false), 0, "nothing comes from what is another consumer's");
    hand.assign(&[FIRST]);
    hand.receive(received(FIRST, 1, now));
    assert_eq!(hand.give(9, now, now + LEASE)[0].attempt, 1, "from where the group stands");
}

#[tokio::test(start_paused = true)]
async fn what_could_not_be_settled_can_be_settled_again() {
    let (mut hand, now) = hand(1, 0..1);
    let given = hand.give(1, now, now + LEASE).remove(0);
    assert!(hand.begin(given.receipt, now).is_some());
    assert!(hand.begin(given.receipt, now).is_none(), "it is being settled");
    assert_eq!(hand.give(1, now + LEASE, now + 2 * LEASE).len(), 0, "it is not given meanwhile");
    assert!(hand.finish(given.receipt, false));
    assert!(settle(&mut hand, given.receipt, now));
    assert_eq!(hand.to_commit(), [(FIRST, 1)]);
    hand.committed(&[(FIRST, 1)]);
    assert_eq!(hand.to_commit(), []);
}
