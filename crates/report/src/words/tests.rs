//! Each rule by itself, on the calm sample cell with just the numbers that the rule is about.

use evidence::record::{Background, Cell, LatencyMs, Phase, ServiceRecord};

use super::{Story, Tone, headline, story, story_of};
use crate::grid::Grid;
use crate::sample;

/// The story of one cell that stands alone.
fn alone(cell: Cell) -> Story {
    let record = sample::record(vec![cell]);
    story_of(&Grid::new(&record), &record.cells[0])
}

fn overload(change: impl FnOnce(&mut Cell)) -> Cell {
    let mut cell = sample::cell("d", "none", 1_000.0);
    change(&mut cell);
    cell
}

fn faulty(change: impl FnOnce(&mut Cell)) -> Cell {
    let mut cell = sample::cell("d", "outage", 100.0);
    (cell.succeeded, cell.timed_out) = (1_000, 1_000);
    (cell.goodput_ratio, cell.recovery_s) = (Some(0.4), None);
    change(&mut cell);
    cell
}

#[test]
fn calm_is_said_calmly() {
    let story = alone(sample::cell("d", "none", 100.0));
    assert_eq!(story.tone, Tone::Good);
    assert_eq!(story.text(9), "All is well: all orders succeed, p99 600 ms.");
    let story = alone(sample::cell("d", "outage", 100.0));
    assert_eq!(story.text(9), "It gets through: all orders succeed, p99 600 ms.");
}

#[test]
fn what_is_accepted_first_is_not_called_well_before_it_is_done() {
    let with = |p99: Option<f64>| {
        let mut cell = sample::cell("d", "none", 100.0);
        let completion_ms = LatencyMs { p99, ..Default::default() };
        cell.background = Some(Background { completion_ms, ..Default::default() });
        alone(cell).text(9)
    };
    let promise = "All orders are accepted, p99 600 ms, and ";
    assert_eq!(with(Some(3_800.0)), format!("{promise}done within 3.80 s (p99)."));
    assert_eq!(with(None), format!("{promise}none is done."));
}

#[test]
fn answers_that_come_too_late_are_a_collapse_although_payment_is_busy() {
    let story = alone(overload(|cell| {
        (cell.succeeded, cell.timed_out) = (6_000, 14_000);
        (cell.goodput_ratio, cell.throughput_per_s) = (Some(0.03), 140.0);
    }));
    assert_eq!(story.tone, Tone::Bad);
    assert_eq!(
        story.text(9),
        "Answers come, but too late: payment is busy, yet goodput is 3 % of possible. \
         70 % of the clients wait in vain."
    );
}

#[test]
fn low_throughput_is_a_stall_and_not_lateness() {
    let story = alone(overload(|cell| {
        (cell.succeeded, cell.failed) = (200, 19_800);
        (cell.goodput_ratio, cell.throughput_per_s) = (Some(0.03), 10.0);
    }));
    assert_eq!(story.text(9), "Work stalls: 10 orders/s get done, goodput is 3 % of possible.");
    let slow = overload(|cell| (cell.goodput_ratio, cell.throughput_per_s) = (Some(0.03), 0.13));
    assert_eq!(alone(slow).text(9), "Work stalls: 0.13 orders/s get done, goodput is 3 % of possible.");
}

#[test]
fn refusing_early_is_praised_with_its_speed_only_when_it_was_quick() {
    let refusing = |p99: f64| {
        alone(overload(|cell| {
            (cell.succeeded, cell.rejected) = (3_000, 17_000);
            cell.goodput_ratio = Some(0.99);
            let mut phase = Phase::default();
            phase.refusal_latency_ms.p99 = Some(p99);
            cell.phases.insert("before".to_owned(), phase);
        }))
        .text(9)
    };
    assert_eq!(
        refusing(4.0),
        "It refuses 85 % within 4.0 ms and keeps goodput at 99 % of possible, p99 600 ms."
    );
    assert_eq!(refusing(900.0), "It refuses 85 % and keeps goodput at 99 % of possible, p99 600 ms.");
}

#[test]
fn goodput_between_half_and_most_has_its_own_words() {
    let with = |goodput: f64| {
        alone(overload(|cell| {
            (cell.succeeded, cell.failed) = (10_000, 10_000);
            cell.goodput_ratio = Some(goodput);
        }))
    };
    assert_eq!(with(0.7).text(9), "Goodput falls to 70 % of possible, p99 600 ms.");
    assert_eq!(with(0.7).tone, Tone::Mixed);
    assert_eq!(with(0.9).text(9), "Goodput holds at 90 % of possible, p99 600 ms.");
}

#[test]
fn recovery_is_told_in_seconds() {
    assert_eq!(
        alone(faulty(|cell| cell.recovery_s = Some(1.2))).clauses,
        ["it is back 1.2 s after the fault, goodput 40 % of possible"]
    );
    assert_eq!(
        alone(faulty(|cell| cell.recovery_s = Some(0.0))).clauses,
        ["it is back as soon as the fault ends, goodput 40 % of possible"]
    );
}

#[test]
fn places_still_taken_at_the_end_explain_why_it_never_comes_back() {
    let story = alone(faulty(|cell| {
        cell.ledger.stuck = 64;
        let service = ServiceRecord { max: [].into(), bounds: [("in_flight".to_owned(), 64)].into() };
        cell.services.insert("order-api".to_owned(), service);
        let gauges = [("in_flight".to_owned(), vec![3, 64, 64])].into();
        cell.series.services.insert("order-api".to_owned(), gauges);
    }));
    assert_eq!(
        story.clauses,
        ["it never comes back: all 64 places at order-api are held by answers that will never come"]
    );
    assert_eq!(story.notes[0], "64 orders never reached an end");
}

/// A cell that never comes back, with this much of the processor's 32 places taken in its last second.
fn held(rate: f64, last: u64) -> Cell {
    let mut cell = sample::cell("d", "outage", rate);
    (cell.timed_out, cell.goodput_ratio, cell.recovery_s) = (cell.offered, Some(0.2), None);
    (cell.succeeded, cell.throughput_per_s) = (0, 0.0);
    let service = ServiceRecord { max: [].into(), bounds: [("in_flight".to_owned(), 32)].into() };
    cell.services.insert("order-processor".to_owned(), service);
    let gauges = [("in_flight".to_owned(), vec![32, 32, last])].into();
    cell.series.services.insert("order-processor".to_owned(), gauges);
    cell
}

#[test]
fn places_held_under_one_load_are_not_claimed_for_its_neighbours() {
    let clauses = |lasts: [u64; 3]| {
        let loads = [100.0, 200.0, 1_000.0].into_iter().zip(lasts);
        let record = sample::record(loads.map(|(rate, last)| held(rate, last)).collect());
        story(&Grid::new(&record), "d", "outage").clauses
    };
    let said = |places: &str| {
        format!(
            "at every load it never comes back: {places} at order-processor are held by answers that will never come"
        )
    };
    assert_eq!(clauses([32, 32, 32]), [said("all 32 places")]);
    assert_eq!(clauses([16, 32, 32]), [said("16 to 32 of 32 places")]);
    assert_eq!(clauses([0, 32, 32]), ["at every load it never comes back"], "it explains only two of three");
    assert_eq!(clauses([1, 1, 1]), ["at every load it never comes back"], "free places explain nothing");
}

#[test]
fn without_held_places_the_stuck_orders_or_the_backlog_explain_it() {
    let stuck = |stuck: u64| alone(faulty(|cell| cell.ledger.stuck = stuck)).clauses;
    assert_eq!(stuck(1), ["it never comes back: 1 order waits for ever"]);
    assert_eq!(stuck(700), ["it never comes back: 700 orders wait for ever"]);
    let busy = alone(faulty(|cell| cell.throughput_per_s = 90.0)).clauses;
    assert_eq!(
        busy,
        ["it never comes back: payment works again, but on a backlog that makes every answer late"]
    );
    let idle = alone(faulty(|cell| cell.throughput_per_s = 5.0)).clauses;
    assert_eq!(idle, ["it never comes back"]);
}

#[test]
fn a_fault_is_not_blamed_for_what_happens_without_it_too() {
    let mut control = sample::cell("d", "none", 100.0);
    (control.succeeded, control.failed, control.goodput_ratio) = (1_000, 1_000, Some(0.2));
    let record = sample::record(vec![control, faulty(|_| {})]);
    let story = story(&Grid::new(&record), "d", "outage");
    assert_eq!(story.clauses, ["it drowns, as it does without the fault: goodput 40 %"]);
}

#[test]
fn descriptors_run_out_at_a_declared_bound_and_a_plateau_is_only_what_is_seen() {
    let connections = |bounds: &[(&str, u64)], bins: Vec<u64>| {
        let cell = overload(|cell| {
            let service = ServiceRecord {
                max: [("connections_max".to_owned(), 4_090)].into(),
                bounds: bounds.iter().map(|(name, bound)| ((*name).to_owned(), *bound)).collect(),
            };
            cell.services.insert("order-api".to_owned(), service);
            cell.series.connections = bins;
        });
        alone(cell).notes
    };
    let said =
        |what: &str| [format!("{what}: order-api stops at 4,090 connections, the next clients wait outside")];
    assert_eq!(connections(&[("connections", 4_096)], vec![]), said("descriptors run out"));
    assert_eq!(connections(&[], vec![900, 4_080, 4_090, 4_090]), said("connections stop growing"));
    assert!(connections(&[("connections", 8_192)], vec![4_090, 4_090, 4_090]).is_empty());
    assert!(connections(&[], vec![1_000, 2_000, 4_090, 3_000]).is_empty(), "a peak is no plateau");
    assert!(connections(&[("in_flight", 64)], vec![4_090, 4_090, 4_090]).is_empty(), "admission explains it");
}

#[test]
fn waiting_inside_payment_is_said_under_overload_only() {
    let waiting = |rate: f64, most: u64| {
        let mut cell = sample::cell("d", "none", rate);
        let service = ServiceRecord { max: [("waiting_max".to_owned(), most)].into(), ..Default::default() };
        cell.services.insert("payment-service".to_owned(), service);
        alone(cell).notes
    };
    assert_eq!(waiting(1_000.0, 0), ["nothing ever waits inside payment-service"]);
    assert_eq!(waiting(1_000.0, 32), ["up to 32 payments wait unseen inside payment-service"]);
    assert!(waiting(50.0, 0).is_empty());
}

#[test]
fn a_bounded_gauge_that_nobody_reports_is_not_said_to_have_been_above_its_bound() {
    let notes = |exceeded: u64| {
        let cell = overload(|cell| {
            let bounds = [("in_flight".to_owned(), 64)].into();
            cell.services.insert("order-api".to_owned(), ServiceRecord { max: [].into(), bounds });
            cell.ledger.bounds_exceeded = exceeded;
        });
        alone(cell).notes
    };
    assert!(notes(0).is_empty(), "the ledger decides");
    assert_eq!(notes(1), ["1 gauge that has a bound was never reported"]);
    assert_eq!(notes(2), ["1 gauge went above its bound", "1 gauge that has a bound was never reported"]);
}

#[test]
fn the_ledger_comes_before_all_other_notes() {
    let notes = alone(overload(|cell| {
        cell.attempts_per_order = Some(3.12);
        cell.wasted_payments = 1;
        cell.dropped_sends = 5;
        cell.ledger.lost = 1;
        cell.ledger.double_charged = 2;
        cell.ledger.ghost_charged = 3;
        cell.ledger.stuck = 4;
        cell.ledger.duplicate_notified = 5;
        cell.ledger.bounds_exceeded = 1;
    }))
    .notes;
    assert_eq!(
        notes,
        [
            "1 order was lost after a success was promised",
            "2 orders were charged twice",
            "3 orders were charged without being completed",
            "4 orders never reached an end",
            "5 customers were told twice",
            "1 gauge went above its bound",
            "each order calls payment 3.1 times",
            "1 charge was made for a client that had gone",
            "5 requests were never sent: the generator's own bound was reached",
        ]
    );
}

#[test]
fn neighbouring_loads_with_one_fate_share_a_clause() {
    let late = |rate: f64, goodput: f64| {
        let mut cell = sample::cell("d", "none", rate);
        (cell.succeeded, cell.goodput_ratio) = (cell.offered / 2, Some(goodput));
        cell.timed_out = cell.offered - cell.succeeded;
        cell
    };
    let calm = |rate: f64| sample::cell("d", "none", rate);
    let record = sample::record(vec![calm(50.0), calm(100.0), late(200.0, 0.28), late(1_000.0, 0.0)]);
    let story = story(&Grid::new(&record), "d", "none");
    assert_eq!(
        story.text(0),
        "At 50/s and 100/s all is well: all orders succeed, p99 600 ms; at 200/s and 1000/s answers come, but \
         too late: payment is busy, yet goodput is 28 % and 0 % of possible."
    );
}

#[test]
fn the_headline_names_the_widest_gap_the_lasting_damage_and_the_ledger() {
    let mut drowned = sample::cell("a", "none", 1_000.0);
    drowned.goodput_ratio = Some(0.02);
    let mut dead = sample::cell("a", "outage", 1_000.0);
    (dead.recovery_s, dead.ledger.stuck) = (None, 7);
    let record = sample::record(vec![
        sample::cell("a", "none", 50.0),
        sample::cell("b", "none", 50.0),
        drowned,
        sample::cell("b", "none", 1_000.0),
        sample::cell("a", "outage", 50.0),
        dead,
    ]);
    assert_eq!(
        headline(&Grid::new(&record)),
        [
            "Without a fault the designs differ most at 1000/s: a does 2 % of what is possible in time, b does 100 %.",
            "Under outage the designs do about the same: goodput is 100 % of what was possible.",
            "After outage service does not come back: a at 1000/s.",
            "The ledger of all runs counts 7 stuck orders.",
        ]
    );
}

#[test]
fn with_several_seeds_the_headline_counts_every_ledger_and_says_whose_numbers_the_rest_are() {
    let seed = |seed: u64, lost: u64| {
        let mut cell = sample::cell("a", "outage", 50.0);
        (cell.seed, cell.recovery_s, cell.ledger.lost) = (seed, None, lost);
        cell
    };
    let record = sample::record(vec![seed(1, 0), seed(2, 3)]);
    assert_eq!(
        headline(&Grid::new(&record)),
        [
            "Seed 1 (the first of 2): under outage a does worst at 50/s: goodput is 100 % of what was possible.",
            "Seed 1 (the first of 2): after outage service does not come back: a at 50/s.",
            "The ledger of all runs counts 3 lost orders.",
        ]
    );
    let record = sample::record(vec![seed(1, 0), seed(2, 0)]);
    assert!(headline(&Grid::new(&record))[2].starts_with("The ledger is clean in every run"));
}
