//! Goodput on cases that can be computed by hand.

use super::*;
use crate::facts::Answer;

const S: u64 = 1_000_000;

fn order(intended_us: u64, latency_us: u64, answer: Answer) -> Asked {
    Asked {
        order: "o".into(),
        intended_us,
        sent_us: Some(intended_us),
        done_us: intended_us + latency_us,
        answer,
    }
}

fn facts(asked: Vec<Asked>, capacity: Vec<(u64, f64)>) -> Facts {
    Facts { asked, capacity, ..Facts::default() }
}

#[test]
fn a_success_counts_until_the_slo_and_not_after() {
    assert!(is_good(&order(S, 2 * S, Answer::Status(200)), SLO));
    assert!(!is_good(&order(S, 2 * S + 1, Answer::Status(200)), SLO));
    assert!(!is_good(&order(S, 1, Answer::Status(402)), SLO));
    let half = Duration::from_millis(500);
    assert!(is_good(&order(S, S / 2, Answer::Status(200)), half));
    assert!(!is_good(&order(S, S / 2 + 1, Answer::Status(200)), half), "another service level");
}

#[test]
fn under_capacity_the_offered_orders_are_what_was_possible() {
    let asked =
        (0..20).map(|i| order(i * S / 10, S, Answer::Status(if i < 15 { 200 } else { 500 }))).collect();
    let facts = facts(asked, vec![(0, 152.0)]);
    assert_eq!(Goodput::of(&facts).ratio(0, 2 * S), Some(15.0 / 20.0));
}

#[test]
fn over_capacity_the_capacity_is_what_was_possible() {
    let asked =
        (0..200).map(|i| order(i * S / 100, S, Answer::Status(if i % 2 == 0 { 200 } else { 429 }))).collect();
    let facts = facts(asked, vec![(0, 80.0)]);
    assert_eq!(Goodput::of(&facts).ratio(0, 2 * S), Some(100.0 / 160.0));
}

#[test]
fn a_busy_second_does_not_lend_its_orders_to_an_idle_one() {
    let mut asked: Vec<_> = (0..30).map(|i| order(i, S, Answer::Status(200))).collect();
    asked.extend((0..10).map(|i| order(S + i, S, Answer::Status(200))));
    let facts = facts(asked, vec![(0, 20.0)]);
    assert_eq!(Goodput::of(&facts).ratio(0, 2 * S), Some(40.0 / (20.0 + 10.0)));
}

/// Customers who wait for an answer come two at a time, or not at all for a while: with pieces of a second 0.67 would have
/// been possible in each second in which some came, and nothing in the others.
#[test]
fn where_payment_does_less_than_an_order_a_second_a_piece_is_as_long_as_ten_orders() {
    let pairs = (0..10).flat_map(|pair| [pair * 3 * S, pair * 3 * S + 1]);
    let answer = |i: usize| Answer::Status(if i < 12 { 200 } else { 504 });
    let asked = pairs.enumerate().map(|(i, at)| order(at, 3 * S, answer(i))).collect();
    let facts = facts(asked, vec![(0, 2.0 / 3.0)]);
    assert_eq!(Goodput::within(&facts, Duration::from_secs(10)).ratio(0, 30 * S), Some(12.0 / 20.0));
    assert_eq!([152.0, 16.0, 10.0, 9.9, 0.65, 0.0].map(piece_s), [1, 1, 1, 2, 16, 1]);
    let pieces = |to| pieces(&[(0, 0.65)], 2 * S, to).map(|piece| piece.to / S).collect::<Vec<_>>();
    assert_eq!((pieces(30 * S), pieces(40 * S)), (vec![30], vec![18, 40]), "nothing is left over");
}

#[test]
fn a_change_of_capacity_cuts_the_window() {
    let asked =
        (0..100).map(|i| order(i * S / 100, S, Answer::Status(if i < 40 { 200 } else { 503 }))).collect();
    let facts = facts(asked, vec![(0, 100.0), (S / 2, 0.0)]);
    assert_eq!(Goodput::of(&facts).ratio(0, S), Some(40.0 / 50.0));
}

#[test]
fn nothing_possible_is_not_defined() {
    let facts = facts(vec![order(0, S, Answer::Status(200))], vec![(0, 0.0), (S, 10.0)]);
    let goodput = Goodput::of(&facts);
    assert_eq!(goodput.ratio(0, S), None, "no capacity");
    assert_eq!(goodput.ratio(S, 2 * S), None, "nothing offered");
    assert_eq!(goodput.ratio(2 * S, S), None, "an empty window");
}

#[test]
fn pieces_are_whole_seconds_from_the_start_of_the_window() {
    let capacity = [(0, 10.0), (2_200_000, 50.0)];
    let ends: Vec<_> =
        pieces(&capacity, 500_000, 3_000_000).map(|piece| (piece.to, piece.capacity_per_s)).collect();
    assert_eq!(ends, [(1_500_000, 10.0), (2_200_000, 10.0), (2_500_000, 50.0), (3_000_000, 50.0)]);
    assert_eq!(capacity_in(&capacity, 2_000_000, 3_000_000), 2.0 + 40.0);
}
