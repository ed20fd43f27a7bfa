//! Expectations fire: for each of the ladder's there is a record that breaks it, and it says so.

use evidence::{
    CellMeta, Verdict, assess,
    facts::{Facts, ServiceGauges},
    record::{Cell, LoadRecord, Record, SCHEMA},
};
use lab::experiment::{Bound, Comparison, Expectation, Experiment, OverSeeds, Side, check, not_run};
use serde_json::{Value, json};

const SERVICES: [&str; 3] = ["order-api", "order-processor", "payment-service"];
const GAUGES: [&str; 5] = ["connections", "in_flight", "queue_depth", "running", "waiting"];

/// A cell in which every metric of the ladder has its place.
fn cell(design: &str, rate_per_s: f64, fault: &str) -> Cell {
    let load = LoadRecord::Constant { rate_per_s, duration_s: 20.0, spacing: "poisson".into() };
    let meta = CellMeta {
        design: design.into(),
        fault: fault.into(),
        seed: 1,
        load,
        load_name: None,
        slo: evidence::SLO,
        capacity_per_s: 152.0,
        detail: None,
    };
    let max = GAUGES.map(|gauge| (gauge.to_owned(), 0)).into();
    let per_second = GAUGES.map(|gauge| (gauge.to_owned(), vec![0; 20])).into();
    let gauges = ServiceGauges { max, per_second, ..ServiceGauges::default() };
    let facts = Facts {
        services: SERVICES.map(|service| (service.to_owned(), gauges.clone())).into(),
        fault_window_us: (fault != "none").then_some((5_000_000, 10_000_000)),
        capacity: vec![(0, 152.0)],
        load_end_us: 20_000_000,
        ended_us: 25_000_000,
        alerts: Some(Vec::new()),
        ..Facts::default()
    };
    assess(meta, &facts)
}

/// The ladder's cells, none of which says anything yet.
fn record(experiment: &Experiment) -> Record {
    let mut cells = Vec::new();
    for design in &experiment.designs {
        for fault in &experiment.faults {
            for rate in [50.0, 100.0, 200.0, 1000.0] {
                cells.push(cell(design.name(), rate, fault.name()));
            }
        }
    }
    Record {
        schema: SCHEMA,
        experiment: experiment.name.clone(),
        world: "sim".into(),
        seed: 1,
        wall_s: 0.0,
        warnings: vec![],
        not_modelled: vec![],
        sections: vec![],
        searches: vec![],
        cells,
    }
}

/// Puts a value at a path whose keys contain no dots, replacing what is there.
fn put(cell: &Cell, path: &str, value: Value) -> Cell {
    let mut json = serde_json::to_value(cell).expect("a cell is JSON");
    let (path, value) = match path.strip_suffix(".max").filter(|path| path.starts_with("series.")) {
        Some(path) => (path, json!([value])),
        None => (path, value),
    };
    let pointer = format!("/{}", path.replace('.', "/"));
    match json.pointer_mut(&pointer) {
        Some(place) => *place = value,
        None => {
            let kind = path.strip_prefix("errors.").unwrap_or_else(|| panic!("{path} is in the cell"));
            json["errors"][kind] = value;
        }
    }
    serde_json::from_value(json).expect("still a cell")
}

/// A value that meets a bound, and one that does not.
fn inside_and_outside(bound: Bound) -> (Value, Value) {
    // Counts stay whole numbers in JSON, so that they fit both counts and shares.
    let number = |value: f64| if value.fract() == 0.0 { json!(value as i64) } else { json!(value) };
    match bound {
        Bound::AtLeast(least) => (number(least), json!(0)),
        Bound::AtMost(most) => (number(most), number(most.ceil() + 1.0)),
        Bound::Equals(value) => (number(value), number(value + 1.0)),
        Bound::Null => (Value::Null, json!(1)),
        Bound::NotNull => (json!(1), Value::Null),
    }
}

/// The verdicts on one metric that did not pass.
fn broken_on(metric: &str, verdicts: Vec<Verdict>) -> Vec<Verdict> {
    broken(verdicts).into_iter().filter(|verdict| verdict.metric == metric).collect()
}

fn broken(verdicts: Vec<Verdict>) -> Vec<Verdict> {
    verdicts.into_iter().filter(|verdict| !verdict.passed).collect()
}

/// What the cells and those that they are compared with need, to be within the expectation, and a value of
/// the cell's own that is not.
fn within_and_without(expectation: &Expectation) -> (Value, Value, Value) {
    match (&expectation.bounds[..], &expectation.comparisons[..]) {
        ([bound], []) => {
            let (inside, outside) = inside_and_outside(*bound);
            (inside.clone(), inside, outside)
        }
        ([], [comparison]) => {
            let (more, less) = (json!(2.0 * comparison.times), json!(comparison.times / 2.0));
            match comparison.side {
                Side::AtLeast => (json!(1.0), more, less),
                Side::AtMost => (json!(1.0), less, more),
            }
        }
        _ => panic!("one bound or comparison: {}", expectation.metric),
    }
}

#[test]
fn each_expectation_of_the_ladder_fires_in_each_of_its_cells() {
    let ladder = Experiment::ladder();
    let empty = record(&ladder);
    for expectation in &ladder.expectations {
        let (other, inside, outside) = within_and_without(expectation);
        let mut alone = ladder.clone();
        alone.expectations = vec![expectation.clone()];
        for (index, cell) in empty.cells.iter().enumerate().filter(|(_, cell)| expectation.speaks_of(cell)) {
            let mut record = empty.clone();
            let fault = &cell.fault;
            for cell in &mut record.cells {
                // A cell without that fault has no such phase.
                let has_it = cell.fault == *fault;
                let comparisons = expectation.comparisons.iter().filter(|_| has_it);
                for metric in comparisons.map(|other| other.metric.as_ref().unwrap_or(&expectation.metric)) {
                    *cell = put(cell, metric, other.clone());
                }
                if expectation.speaks_of(cell) {
                    *cell = put(cell, &expectation.metric, inside.clone());
                }
            }
            assert_eq!(broken_on(&expectation.metric, check(&alone, &record)), [], "{}", expectation.lesson);
            record.cells[index] = put(cell, &expectation.metric, outside.clone());
            let broken = broken_on(&expectation.metric, check(&alone, &record));
            let [verdict] = &broken[..] else { panic!("{}: {broken:?}", expectation.lesson) };
            assert_eq!(verdict.cell, index);
        }
    }
}

/// v0.1.0's attempts are at least 1.3 times v0.2.0's, at 100 rps in the brownout.
fn comparing(over_seeds: OverSeeds) -> Experiment {
    let mut ladder = Experiment::ladder();
    ladder.expectations = vec![Expectation {
        world: None,
        lesson: "fewer attempts".to_owned(),
        designs: Some(vec!["v0.1.0".to_owned()]),
        rates: Some(vec![100.0]),
        loads: None,
        faults: Some(vec!["brownout".to_owned()]),
        metric: "attempts_per_order".to_owned(),
        bounds: vec![],
        word: None,
        comparisons: vec![Comparison {
            side: Side::AtLeast,
            times: 1.3,
            design: Some("v0.2.0".to_owned()),
            fault: None,
            metric: None,
        }],
        over_seeds,
    }];
    ladder
}

/// The two cells that are compared, for each seed with the attempts of the one and the other.
fn compared(attempts: &[(Option<f64>, Option<f64>)]) -> Record {
    let mut record = record(&Experiment::ladder());
    record.cells.clear();
    for (seed, (this, other)) in (1..).zip(attempts) {
        for (design, attempts_per_order) in [("v0.1.0", this), ("v0.2.0", other)] {
            let attempts_per_order = *attempts_per_order;
            record.cells.push(Cell { seed, attempts_per_order, ..cell(design, 100.0, "brownout") });
        }
    }
    record
}

fn on_attempts(experiment: &Experiment, record: &Record) -> Vec<(usize, Option<f64>, String, bool)> {
    let verdicts = check(experiment, record).into_iter();
    verdicts
        .filter(|verdict| verdict.metric == "attempts_per_order")
        .map(|verdict| (verdict.cell, verdict.value, verdict.expected, verdict.passed))
        .collect()
}

#[test]
fn a_cell_is_held_against_another_designs_with_the_same_seed_and_both_values_are_said() {
    let record = compared(&[(Some(1.5), Some(1.1)), (Some(1.2), Some(1.0)), (Some(1.2), None)]);
    let expected = |text: &str| text.to_owned();
    assert_eq!(
        on_attempts(&comparing(OverSeeds::Each), &record),
        [
            (0, Some(1.5), expected("≥ 1.3 × v0.2.0's, which is 1.1: ≥ 1.43"), true),
            (2, Some(1.2), expected("≥ 1.3 × v0.2.0's, which is 1: ≥ 1.3"), false),
            (4, Some(1.2), expected("≥ 1.3 × v0.2.0's, which is null"), false),
        ]
    );
    let broken = broken_on("attempts_per_order", check(&comparing(OverSeeds::Each), &record));
    assert_eq!(
        broken[0].replay,
        "cargo run --release -- ladder --designs v0.1.0,v0.2.0 --rates 100 --faults brownout --seed 2 --duration 20s \
         --check --out out/replay"
    );
}

#[test]
fn without_the_cell_it_is_compared_with_an_expectation_is_not_run_and_not_green() {
    let experiment = comparing(OverSeeds::Each);
    let mut record = compared(&[(Some(1.5), Some(1.1))]);
    assert_eq!(not_run(&experiment, &record), []);
    record.cells.truncate(1);
    assert_eq!(on_attempts(&experiment, &record), []);
    let [not_run] = &not_run(&experiment, &record)[..] else { panic!("one expectation") };
    assert_eq!(not_run.expected, "attempts_per_order ≥ 1.3 × v0.2.0's");
}

#[test]
fn a_mean_over_the_seeds_is_one_verdict_and_a_null_in_it_is_null() {
    let experiment = comparing(OverSeeds::Mean);
    let record = compared(&[(Some(1.2), Some(1.1)), (Some(1.8), Some(1.0))]);
    assert_eq!(
        on_attempts(&experiment, &record),
        [(0, Some(1.5), "≥ 1.3 × v0.2.0's, which is 1.05: ≥ 1.365 (mean of 2 seeds)".to_owned(), true)]
    );
    let null = compared(&[(Some(9.0), Some(1.1)), (None, Some(1.0))]);
    assert_eq!(on_attempts(&experiment, &null)[0].1, None);
    assert!(!on_attempts(&experiment, &null)[0].3);
    let one = compared(&[(Some(1.2), Some(1.1))]);
    assert!(on_attempts(&experiment, &one)[0].2.ends_with("(of one seed)"));
    let broken = broken_on("attempts_per_order", check(&experiment, &null));
    assert!(broken[0].replay.contains(" --seeds 1..2 "), "{}", broken[0].replay);
}

#[test]
fn a_broken_expectation_says_by_how_much_and_how_to_replay() {
    let ladder = Experiment::ladder();
    let mut record = record(&ladder);
    record.cells.retain(|cell| cell.design == "v0.1.0" && cell.fault == "none");
    record.cells[3].goodput_ratio = Some(0.25);
    let broken = broken_on("goodput_ratio", check(&ladder, &record));
    let verdict = broken.iter().find(|verdict| verdict.cell == 3).expect("0.25 is above 0.1");
    assert_eq!(
        (verdict.value, verdict.expected.as_str(), verdict.off_by.as_deref()),
        (Some(0.25), "≤ 0.1", Some("0.15 above (150.0 %)"))
    );
    assert_eq!(
        verdict.replay,
        "cargo run --release -- ladder --designs v0.1.0 --rates 1000 --faults none --seed 1 --duration 20s --check \
         --out out/replay"
    );
}

#[test]
fn outcomes_that_do_not_add_up_are_found_in_every_cell() {
    let mut ladder = Experiment::ladder();
    ladder.expectations.clear();
    let mut record = record(&ladder);
    assert_eq!(broken(check(&ladder, &record)), []);
    record.cells[5].offered = 3;
    record.cells[7].failed = 1;
    let off_by: Vec<_> =
        broken(check(&ladder, &record)).into_iter().map(|verdict| (verdict.cell, verdict.off_by)).collect();
    assert_eq!(
        off_by,
        [
            (5, Some("3 orders without an outcome".to_owned())),
            (7, Some("1 outcomes without an order".to_owned())),
        ]
    );
}

#[test]
fn a_metric_that_is_not_there_is_no_pass() {
    let mut ladder = Experiment::ladder();
    ladder.expectations.truncate(1);
    let record = record(&ladder);
    for (metric, reason) in
        [("goodput", "the cell has no such metric"), ("design", "the metric is not a number")]
    {
        ladder.expectations[0].metric = metric.to_owned();
        let broken = broken(check(&ladder, &record));
        assert!(!broken.is_empty());
        assert!(broken.iter().all(|verdict| verdict.off_by.as_deref() == Some(reason)));
    }
}

#[test]
fn what_a_part_of_the_experiment_cannot_answer_is_listed_as_not_run() {
    let ladder = Experiment::ladder();
    let mut record = record(&ladder);
    assert_eq!(not_run(&ladder, &record), []);
    record.cells.retain(|cell| cell.design == "v0.2.0");
    let unanswered = not_run(&ladder, &record);
    assert!(unanswered.iter().any(|expectation| expectation.expected == "in_flight_max ≥ 4000"));
    assert!(unanswered.iter().all(|expectation| !expectation.expected.starts_with("ledger.lost")));
}
