//! Each invariant fires on a planted violation, names the order, and is silent on a good ledger.

use super::*;
use crate::facts::{Asked, Charged, ServiceGauges, Stored, Told};

/// Two paid orders, one accepted for later and since completed, one declined, one refused: all as it should
/// be.
fn good() -> Facts {
    let mut facts = Facts::default();
    for (order, answer, state) in [
        ("a", Answer::Status(200), Some(StoredState::Completed)),
        ("b", Answer::Status(202), Some(StoredState::Completed)),
        ("c", Answer::Status(402), Some(StoredState::Declined)),
        ("d", Answer::Status(429), None),
        ("e", Answer::TimedOut, Some(StoredState::Completed)),
    ] {
        let order = order.to_owned();
        facts.asked.push(Asked {
            order: order.clone(),
            intended_us: 0,
            sent_us: Some(0),
            done_us: 1,
            answer,
        });
        let Some(state) = state else { continue };
        if state == StoredState::Completed {
            facts.charged.push(Charged { order: order.clone(), at_us: 1, refunded: false });
            facts.told.push(Told { order: order.clone() });
        }
        facts.stored.push(Stored { order, state });
    }
    let gauges = ServiceGauges {
        max: [("in_flight".to_owned(), 64)].into(),
        bounds: [("in_flight".to_owned(), 64)].into(),
        ..ServiceGauges::default()
    };
    facts.services.insert("order-api".to_owned(), gauges);
    facts
}

fn set_state(facts: &mut Facts, order: &str, state: StoredState) {
    facts.stored.iter_mut().find(|stored| stored.order == order).expect("the order is stored").state = state;
}

fn charge(facts: &mut Facts, order: &str, refunded: bool) {
    facts.charged.push(Charged { order: order.to_owned(), at_us: 2, refunded });
}

#[test]
fn a_good_ledger_is_silent() {
    assert_eq!(check(&good()), Ledger::default());
}

#[test]
fn an_order_answered_with_success_and_not_stored_is_lost() {
    let mut facts = good();
    facts.stored.retain(|stored| stored.order != "b");
    assert_eq!(lost(&facts), ["b"]);
}

#[test]
fn an_order_answered_200_and_not_completed_is_lost() {
    let mut facts = good();
    set_state(&mut facts, "a", StoredState::Failed);
    assert_eq!(lost(&facts), ["a"]);
}

#[test]
fn a_duplicate_that_was_answered_200_has_been_promised_the_same() {
    let mut facts = good();
    set_state(&mut facts, "e", StoredState::Failed);
    facts.charged.retain(|charge| charge.order != "e");
    let again = facts.asked.iter().find(|asked| asked.order == "e").expect("it was asked").clone();
    facts.repeated.push(Asked { answer: Answer::Status(200), ..again });
    assert_eq!(check(&facts), Ledger { lost: 1, ..Ledger::default() });
}

#[test]
fn an_order_answered_202_may_still_fail() {
    let mut facts = good();
    set_state(&mut facts, "b", StoredState::Failed);
    assert!(lost(&facts).is_empty());
}

#[test]
fn a_second_charge_is_a_double_charge_even_when_refunded() {
    let mut facts = good();
    charge(&mut facts, "e", true);
    charge(&mut facts, "a", false);
    charge(&mut facts, "a", false);
    assert_eq!(double_charged(&facts), ["a", "e"]);
    assert_eq!(check(&facts), Ledger { double_charged: 2, ..Ledger::default() });
}

#[test]
fn a_charge_for_an_order_that_is_not_completed_is_a_ghost() {
    for state in [StoredState::Placed, StoredState::Paying, StoredState::Declined, StoredState::Failed] {
        let mut facts = good();
        set_state(&mut facts, "e", state);
        assert_eq!(ghost_charged(&facts), ["e"], "{state:?}");
    }
}

#[test]
fn a_charge_for_an_order_that_nobody_stored_is_a_ghost() {
    let mut facts = good();
    charge(&mut facts, "z", false);
    assert_eq!(check(&facts), Ledger { ghost_charged: 1, ..Ledger::default() });
}

#[test]
fn a_refunded_charge_is_no_ghost() {
    let mut facts = good();
    charge(&mut facts, "c", true);
    assert_eq!(check(&facts), Ledger::default());
}

#[test]
fn an_order_in_no_final_state_is_stuck() {
    for state in [StoredState::Placed, StoredState::Paying] {
        let mut facts = good();
        facts.stored.push(Stored { order: "s".to_owned(), state });
        assert_eq!(stuck(&facts), ["s"]);
        assert_eq!(check(&facts), Ledger { stuck: 1, ..Ledger::default() });
    }
}

#[test]
fn a_second_notice_is_a_violation() {
    let mut facts = good();
    facts.told.push(Told { order: "b".to_owned() });
    assert_eq!(duplicate_notified(&facts), ["b"]);
    assert_eq!(check(&facts), Ledger { duplicate_notified: 1, ..Ledger::default() });
}

#[test]
fn a_gauge_above_its_bound_is_a_violation() {
    let mut facts = good();
    facts.services.get_mut("order-api").expect("it is there").max.insert("in_flight".to_owned(), 65);
    assert_eq!(
        bounds_exceeded(&facts),
        [Exceeded { service: "order-api", gauge: "in_flight", max: Some(65), bound: 64 }]
    );
    assert_eq!(check(&facts), Ledger { bounds_exceeded: 1, ..Ledger::default() });
}

#[test]
fn a_bounded_gauge_that_nobody_reports_is_a_violation() {
    let mut facts = good();
    facts.services.get_mut("order-api").expect("it is there").max.clear();
    assert_eq!(
        bounds_exceeded(&facts),
        [Exceeded { service: "order-api", gauge: "in_flight", max: None, bound: 64 }]
    );
    assert_eq!(check(&facts), Ledger { bounds_exceeded: 1, ..Ledger::default() });
}

#[test]
fn violations_are_named_and_counted_the_worst_first() {
    let mut facts = good();
    assert_eq!(violations(&facts), []);
    for number in 10..30 {
        facts.stored.push(Stored { order: format!("s{number}"), state: StoredState::Paying });
    }
    charge(&mut facts, "a", false);
    facts.services.get_mut("order-api").expect("it is there").max.insert("in_flight".to_owned(), 65);
    let said: Vec<_> = violations(&facts).iter().map(ToString::to_string).collect();
    assert_eq!(
        said,
        [
            "charged twice: 1 (a)",
            "stuck: 20 (s10, s11, s12, s13, s14, s15, s16, s17, s18, s19, …)",
            "bounds exceeded: 1 (order-api in_flight 65 of 64)",
        ]
    );
}
