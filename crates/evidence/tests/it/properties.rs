//! What holds for all facts, however odd.

use std::collections::BTreeSet;

use evidence::assess;
use evidence::facts::{Answer, Asked, Charged, Facts, Stored, StoredState};
use proptest::prelude::*;

use crate::{meta, reference};

const S: u64 = 1_000_000;

fn answer() -> impl Strategy<Value = Answer> {
    prop_oneof![
        8 => Just(Answer::Status(200)),
        4 => prop::sample::select(vec![202, 204, 302, 400, 402, 429, 500, 503, 504]).prop_map(Answer::Status),
        1 => Just(Answer::TimedOut),
        1 => Just(Answer::ConnectFailed),
        1 => Just(Answer::Reset),
        1 => Just(Answer::Broken),
        1 => Just(Answer::NotSent),
    ]
}

fn asked() -> impl Strategy<Value = Vec<Asked>> {
    let order = (0..20 * S, 0..4 * S, answer());
    prop::collection::vec(order, 0..200).prop_map(|orders| {
        let order = |(index, (intended_us, latency_us, answer))| Asked {
            order: format!("order-{index}"),
            intended_us,
            sent_us: (answer != Answer::NotSent).then_some(intended_us),
            done_us: intended_us + latency_us,
            answer,
        };
        orders.into_iter().enumerate().map(order).collect()
    })
}

fn stored() -> impl Strategy<Value = Vec<Stored>> {
    use StoredState::{Completed, Declined, Failed, Paying, Placed};
    let state = prop::sample::select(vec![Placed, Paying, Completed, Declined, Failed]);
    prop::collection::btree_map(0..200_u32, state, 0..100).prop_map(|states| {
        states.into_iter().map(|(index, state)| Stored { order: format!("order-{index}"), state }).collect()
    })
}

fn charged() -> impl Strategy<Value = Vec<Charged>> {
    let charge = (0..200_u32, 0..40 * S, any::<bool>());
    prop::collection::vec(charge, 0..100).prop_map(|charges| {
        let charge = |(index, at_us, refunded)| Charged { order: format!("order-{index}"), at_us, refunded };
        charges.into_iter().map(charge).collect()
    })
}

fn capacity() -> impl Strategy<Value = Vec<(u64, f64)>> {
    prop::collection::btree_map(1..20 * S, 0.0..40.0_f64, 0..4).prop_map(|mut changes| {
        changes.insert(0, 20.0);
        changes.into_iter().collect()
    })
}

fn facts() -> impl Strategy<Value = Facts> {
    let fault = prop::option::of((0..20 * S, 0..10 * S).prop_map(|(start, length)| (start, start + length)));
    (asked(), stored(), charged(), capacity(), fault).prop_map(|(asked, stored, charged, capacity, fault)| {
        Facts {
            asked,
            stored,
            charged,
            capacity,
            fault_window_us: fault,
            load_end_us: 20 * S,
            ended_us: 30 * S,
            ..Facts::default()
        }
    })
}

/// A mostly healthy run with one bad stretch after its fault, so that recoveries of every length occur.
fn recovering() -> impl Strategy<Value = Facts> {
    let stretch = (0..8 * S, 0..4 * S, 1..30_u64, 0..100_000_u64, 40..400_u64);
    stretch.prop_map(|(bad_from, bad_for, spare_one_in, phase_us, per_s)| {
        let bad = 6 * S + bad_from..6 * S + bad_from + bad_for;
        let asked = (0..20 * per_s)
            .map(|index| (index, index * S / per_s))
            .map(|(index, at)| Asked {
                order: index.to_string(),
                intended_us: at,
                sent_us: Some(at),
                done_us: at + 1000,
                answer: Answer::Status(if bad.contains(&at) && index % spare_one_in != 0 {
                    503
                } else {
                    200
                }),
            })
            .collect();
        let fault_end = 6 * S + phase_us;
        Facts {
            asked,
            capacity: vec![(0, 152.0), (4 * S, 0.0), (fault_end, 152.0)],
            fault_window_us: Some((4 * S, fault_end)),
            load_end_us: 20 * S,
            ended_us: 21 * S,
            ..Facts::default()
        }
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn offered_is_exactly_the_sum_of_the_outcomes(facts in facts()) {
        let cell = assess(meta(), &facts);
        prop_assert_eq!(cell.offered, facts.asked.len() as u64);
        prop_assert_eq!(
            cell.offered,
            cell.succeeded + cell.declined + cell.rejected + cell.failed + cell.timed_out
        );
        prop_assert_eq!(cell.errors.values().sum::<u64>(), cell.offered - cell.succeeded - cell.declined);
        prop_assert_eq!(cell.series.offered.iter().sum::<u64>(), cell.offered);
        prop_assert_eq!(cell.series.throughput.iter().sum::<u64>(), cell.succeeded);
    }

    #[test]
    fn violations_are_orders_that_somebody_knows(facts in facts()) {
        let known: BTreeSet<&str> = facts.asked.iter().map(|asked| asked.order.as_str())
            .chain(facts.stored.iter().map(|stored| stored.order.as_str()))
            .chain(facts.charged.iter().map(|charge| charge.order.as_str()))
            .collect();
        for check in [
            evidence::ledger::lost,
            evidence::ledger::double_charged,
            evidence::ledger::ghost_charged,
            evidence::ledger::stuck,
            evidence::ledger::duplicate_notified,
        ] {
            let orders = check(&facts);
            prop_assert!(orders.is_sorted_by(|a, b| a < b), "ascending, each once");
            prop_assert!(orders.iter().all(|order| known.contains(order)));
        }
    }

    #[test]
    fn goodput_agrees_with_its_definition(facts in facts()) {
        let expected = reference::goodput_ratio(&facts, 2 * S, 20 * S).map(|ratio| (ratio * 1e4).round() / 1e4);
        prop_assert_eq!(assess(meta(), &facts).goodput_ratio, expected);
    }

    #[test]
    fn recovery_of_any_facts_agrees_with_its_definition(facts in facts()) {
        prop_assert_eq!(assess(meta(), &facts).recovery_s, reference::recovery_s(&facts));
    }

    #[test]
    fn recovery_from_a_bad_stretch_agrees_with_its_definition(facts in recovering()) {
        prop_assert_eq!(assess(meta(), &facts).recovery_s, reference::recovery_s(&facts));
    }
}
