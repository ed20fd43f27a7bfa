//! Pairing and judging; what the text looks like is held by the snapshots in `tests/it`.

use super::{Comparison, Trend, compare};
use crate::sample;

fn trend(comparison: &Comparison, metric: &str) -> Trend {
    let change = comparison.pairs[0].changes.iter().find(|change| change.metric == metric);
    change.expect("every metric is there").trend
}

#[test]
fn cells_pair_by_design_fault_load_and_seed_and_the_rest_is_listed() {
    let a = sample::record(vec![sample::cell("x", "none", 50.0), sample::cell("y", "none", 50.0)]);
    let mut other_seed = sample::cell("y", "none", 50.0);
    other_seed.seed = 2;
    let b = sample::record(vec![other_seed, sample::cell("x", "none", 50.0)]);
    let comparison = compare(&a, &b, ["a", "b"]);
    assert_eq!((comparison.pairs.len(), comparison.across_designs.is_none()), (1, true));
    assert_eq!(comparison.pairs[0].cell.design, "x");
    assert_eq!((&comparison.only_in_a[0].design, comparison.only_in_a[0].seed), (&"y".to_owned(), 1));
    assert_eq!((&comparison.only_in_b[0].design, comparison.only_in_b[0].seed), (&"y".to_owned(), 2));
}

#[test]
fn one_design_each_pairs_across_the_designs() {
    let a = sample::record(vec![sample::cell("x", "none", 50.0)]);
    let b = sample::record(vec![sample::cell("y", "none", 50.0), sample::cell("y", "outage", 50.0)]);
    let comparison = compare(&a, &b, ["a", "b"]);
    assert_eq!(comparison.across_designs, Some(["x".to_owned(), "y".to_owned()]));
    assert_eq!((comparison.pairs.len(), comparison.only_in_b.len()), (1, 1));
}

#[test]
fn one_seed_each_pairs_across_the_seeds_and_says_so() {
    let a = sample::record(vec![sample::cell("x", "none", 50.0), sample::cell("y", "none", 50.0)]);
    let mut b = a.clone();
    b.cells.iter_mut().for_each(|cell| cell.seed = 2);
    let comparison = compare(&a, &b, ["a", "b"]);
    assert_eq!((comparison.across_seeds, comparison.pairs.len()), (Some([1, 2]), 2));
    assert_eq!(comparison.pairs[1].cell.design, "y");
    let text = comparison.text(Some(80), false);
    assert_eq!(
        text,
        "A  a (seed 1)\nB  b (seed 2)\nThe seeds differ, so part of each change is chance.\n\n\
         2 cells compared: nothing changed by more than 1 %\n"
    );
    b.cells.retain(|cell| cell.design == "y");
    let a = sample::record(vec![sample::cell("x", "none", 50.0)]);
    let text = compare(&a, &b, ["a", "b"]).text(Some(80), false);
    assert!(text.starts_with("A  a (x, seed 1)\nB  b (y, seed 2)\n"), "{text}");
}

#[test]
fn several_seeds_on_one_side_pair_only_with_their_own() {
    let a = sample::record(vec![sample::cell("x", "none", 50.0)]);
    let mut b = sample::record(vec![a.cells[0].clone(), a.cells[0].clone()]);
    (b.cells[0].seed, b.cells[1].seed) = (2, 3);
    let comparison = compare(&a, &b, ["a", "b"]);
    assert_eq!((comparison.across_seeds, comparison.pairs.len(), comparison.only_in_b.len()), (None, 0, 2));
}

#[test]
fn better_and_worse_follow_the_metric_and_noise_is_the_same() {
    let a = sample::record(vec![sample::cell("x", "outage", 50.0)]);
    let mut changed = sample::cell("x", "outage", 50.0);
    changed.goodput_ratio = Some(0.5);
    changed.success_ratio = Some(0.995);
    changed.latency_ms.p99 = Some(300.0);
    changed.in_flight_max = 99;
    changed.recovery_s = None;
    changed.attempts_per_order = None;
    changed.ledger.stuck = 1;
    let b = sample::record(vec![changed]);
    let comparison = compare(&a, &b, ["a", "b"]);
    assert_eq!(trend(&comparison, "goodput_ratio"), Trend::Worse);
    assert_eq!(trend(&comparison, "success_ratio"), Trend::Same);
    assert_eq!(trend(&comparison, "latency_ms.p99"), Trend::Better);
    assert_eq!(trend(&comparison, "in_flight_max"), Trend::Different);
    assert_eq!(trend(&comparison, "recovery_s"), Trend::Worse);
    assert_eq!(trend(&comparison, "attempts_per_order"), Trend::Different);
    assert_eq!(trend(&comparison, "ledger.stuck"), Trend::Worse);
    let back = compare(&b, &a, ["b", "a"]);
    assert_eq!(trend(&back, "recovery_s"), Trend::Better);
}

#[test]
fn equal_records_have_nothing_to_say() {
    let record = sample::record(vec![sample::cell("x", "none", 50.0)]);
    let text = compare(&record, &record, ["a.json", "b.json"]).text(Some(80), false);
    assert_eq!(text, "A  a.json\nB  b.json\n\n1 cell compared: nothing changed by more than 1 %\n");
    let nothing = sample::record(vec![]);
    let text = compare(&record, &nothing, ["a.json", "b.json"]).text(Some(80), false);
    assert!(
        text.ends_with("only in A: x, without a fault at 50/s, seed 1\nno cell is in both records\n"),
        "{text}"
    );
}
