//! What the runner refuses, and how it names a broken cell.

use super::*;
use crate::runner::options::Silent;

fn refused(options: RunOptions) -> String {
    match run(&Experiment::ladder(), &options, &Silent) {
        Ok(_) => "accepted".to_owned(),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_cannot_be_run_is_refused_before_anything_runs() {
    let options = RunOptions::default;
    let names = |names: &[&str]| Some(names.iter().map(|name| (*name).to_owned()).collect());
    let zero = std::time::Duration::ZERO;
    let known = crate::designs::known().join(", ");
    let unknown = format!("no design \"v7\", expected one of {known}, or a path to a .toml file");
    let cases = [
        (
            RunOptions { rates: Some(vec![0.0]), ..options() },
            "a rate must be above 0 and at most 1000000 per second, not 0",
        ),
        (RunOptions { rates: Some(vec![]), ..options() }, "no rate to run with"),
        (RunOptions { rates: Some(vec![5.0, 5.0]), ..options() }, "the rate 5 is there twice"),
        (
            RunOptions { duration: Some(zero), ..options() },
            "a duration must be above zero and at most 1day, not 0s",
        ),
        (RunOptions { seeds: vec![], ..options() }, "no seed to run with"),
        (RunOptions { seeds: vec![3, 3], ..options() }, "the seed 3 is there twice"),
        (RunOptions { designs: names(&[]), ..options() }, "no design to run with"),
        (
            RunOptions { designs: names(&["v0.1.0", "v0.1.0"]), ..options() },
            "the design v0.1.0 is there twice",
        ),
        (RunOptions { designs: names(&["v7"]), ..options() }, &unknown),
        (
            RunOptions { faults: names(&["blackut"]), ..options() },
            "no fault \"blackut\", expected one of none, brownout, blackout",
        ),
    ];
    for (options, reason) in cases {
        assert_eq!(refused(options), reason);
    }
}

#[test]
fn a_cell_that_breaks_is_named_with_the_command_that_runs_it_again() {
    let experiment = Experiment::ladder();
    let plans = plans(&experiment, &[7]);
    let name = name(&plans[3]);
    let error = LabError::Cell {
        cell: name.to_string(),
        reason: format!("it panicked: {}", panic_message(&"out of cheese".to_owned())),
        replay: replay(&experiment, "sim", &[name]),
    };
    assert_eq!(
        error.to_string(),
        "the cell v0.1.0 at 1000/s under none, seed 7 broke: it panicked: out of cheese (run it again with \
         `cargo run --release -- ladder --designs v0.1.0 --rates 1000 --faults none --seed 7 --duration 20s --check \
         --out out/replay`)"
    );
}

#[test]
fn cells_stand_in_the_order_of_design_fault_rate_and_seed() {
    let experiment = Experiment::ladder();
    let plans = plans(&experiment, &[1, 2]);
    let names: Vec<_> = plans.iter().map(|plan| name(plan).to_string()).collect();
    assert_eq!(names.len(), 9 * 3 * 4 * 2);
    assert_eq!(names[0], "v0.1.0 at 50/s under none, seed 1");
    assert_eq!(names[1], "v0.1.0 at 50/s under none, seed 2");
    assert_eq!(names[2], "v0.1.0 at 100/s under none, seed 1");
    assert_eq!(names[8], "v0.1.0 at 50/s under brownout, seed 1");
    assert_eq!(names[71], "v0.3.0 at 1000/s under blackout, seed 2");
    assert_eq!(names[215], "v1.0.0 at 1000/s under blackout, seed 2");
}

#[test]
fn a_cell_that_would_take_a_machine_down_is_refused_and_a_large_one_is_not() {
    let of_the_naive = |rate: f64| RunOptions {
        rates: Some(vec![50.0, rate]),
        designs: Some(vec!["v0.1.0".to_owned()]),
        ..RunOptions::default()
    };
    let ladder = Experiment::ladder();
    // More than twice the budget, which is what running alone is for.
    assert!(feasible(&ladder, &of_the_naive(5_000.0)).is_ok());
    assert_eq!(
        refused(of_the_naive(10_000.0)),
        "the cell v0.1.0 at 10000/s under none, seed 1 would take about 12130 MiB of memory, and a cell may take \
         at most 8192 MiB: ask for a lower rate, a shorter duration or a design that admits fewer at once"
    );
    let admitting = RunOptions { designs: Some(vec!["v0.2.0".to_owned()]), ..of_the_naive(10_000.0) };
    assert!(feasible(&ladder, &admitting).is_ok());
}
