//! Small simulated cells: the same seed gives the same bytes, each fault moves a number, each design holds.

use std::{fs, num::NonZeroUsize, path::PathBuf, sync::Mutex, time::Duration};

use evidence::record::{Cell, Record};
use lab::{
    experiment::{Experiment, check},
    runner::{LabError, Progress, RunOptions, Silent, run},
};
use tempfile::TempDir;

/// Two designs under every kind of fault, for three seconds.
const FAULTS: &str = r#"
name = "faults"
designs = ["v0.1.0", "v0.3.0"]
faults = ["none", "slow-payment", "dead-payment", "no-power", "no-way", "one-way", "held", "far"]

[load]
kind = "constant"
rates = [60]
duration = "3s"
client_timeout = "4s"

[[fault]]
name = "slow-payment"
at = "1s"
until = "2s"
kind = "hardship"
slowdown = 4
failure_rate = 0.5

[[fault]]
name = "dead-payment"
at = "1s"
until = "2s"
kind = "kill"
host = "payment-service"

[[fault]]
name = "no-power"
at = "1s"
until = "2s"
kind = "power-off"
host = "payment-service"

[[fault]]
name = "no-way"
at = "1s"
until = "2s"
kind = "partition"
a = "order-api"
b = "order-processor"

[[fault]]
name = "one-way"
at = "1s"
until = "2s"
kind = "partition"
a = "clients"
b = "order-api"
direction = "b-to-a"

[[fault]]
name = "held"
at = "1s"
until = "2s"
kind = "hold"
a = "order-processor"
b = "payment-service"

[[fault]]
name = "far"
at = "1s"
until = "2s"
kind = "latency"
a = "clients"
b = "order-api"
min = "100ms"
max = "150ms"

[[expect]]
lesson = "undisturbed and below capacity everybody is served"
faults = ["none"]
metric = "success_ratio"
at_least = 0.99
"#;

fn experiment(text: &str) -> (TempDir, Experiment) {
    let folder = tempfile::tempdir().expect("a folder");
    let path: PathBuf = folder.path().join("experiment.toml");
    fs::write(&path, text).expect("writable");
    (folder, Experiment::read(&path).expect("a valid experiment"))
}

/// The record as it is written, without the one value that may differ.
fn bytes(mut record: Record) -> String {
    record.wall_s = 0.0;
    record.to_json()
}

fn ladder(options: &RunOptions) -> Record {
    run(&Experiment::ladder(), options, &Silent).expect("it runs")
}

fn small() -> RunOptions {
    RunOptions { rates: Some(vec![100.0]), duration: Some(Duration::from_secs(2)), ..RunOptions::default() }
}

#[test]
fn the_same_seed_gives_the_same_bytes_however_many_run_at_once_and_another_seed_gives_others() {
    let one_thread = RunOptions { threads: NonZeroUsize::MIN, ..small() };
    let two_threads = RunOptions { threads: NonZeroUsize::new(2).expect("two"), ..small() };
    let (first, second) = (bytes(ladder(&one_thread)), bytes(ladder(&two_threads)));
    assert_eq!(first, second);
    let other = bytes(ladder(&RunOptions { seeds: vec![2], ..small() }));
    assert_ne!(first, other);
}

#[test]
fn each_fault_moves_a_number_and_leaves_the_outcomes_adding_up() {
    let (_folder, experiment) = experiment(FAULTS);
    let record = run(&experiment, &RunOptions::default(), &Silent).expect("it runs");
    let broken: Vec<_> = check(&experiment, &record).into_iter().filter(|verdict| !verdict.passed).collect();
    assert_eq!(broken, []);
    for design in ["v0.1.0", "v0.3.0"] {
        let cell = |fault: &str| {
            let found = record.cells.iter().find(|cell| cell.design == design && cell.fault == fault);
            found.unwrap_or_else(|| panic!("{design} under {fault}")).clone()
        };
        let undisturbed = cell("none");
        for plan in experiment.faults.iter().filter(|plan| plan.window().is_some()) {
            let disturbed = cell(plan.name());
            assert_eq!(disturbed.fault_window_s, Some([1.0, 2.0]));
            assert_eq!(disturbed.offered, undisturbed.offered, "the same seed asks for the same");
            assert!(moved(&undisturbed, &disturbed), "{design} does not feel {}", plan.name());
        }
    }
}

/// The same designs with every constraint, and a wall clock that jumps back at each service in turn.
const CLOCKS: &str = r#"
name = "clocks"
designs = ["v1.0.0", "events-composed"]
faults = ["none", "of-the-edge", "of-payment"]

[load]
kind = "constant"
rates = [60]
duration = "3s"

[[fault]]
name = "of-the-edge"
at = "1s"
until = "2s"
kind = "clock-jump"
host = "order-api"
by = "-2h"

[[fault]]
name = "of-payment"
at = "1s"
until = "2s"
kind = "clock-jump"
host = "payment-service"
by = "-2h"
"#;

#[test]
fn a_clock_that_jumps_back_changes_nothing() {
    let (_folder, experiment) = experiment(CLOCKS);
    let record = run(&experiment, &RunOptions::default(), &Silent).expect("it runs");
    for design in ["v1.0.0", "events-composed"] {
        let cells: Vec<_> = record.cells.iter().filter(|cell| cell.design == design).collect();
        let [undisturbed, disturbed @ ..] = &cells[..] else { panic!("a cell for each fault") };
        assert_eq!((disturbed.len(), undisturbed.fault.as_str()), (2, "none"));
        for cell in disturbed {
            let seen = |cell: &Cell| (cell.succeeded, cell.latency_ms, cell.background);
            assert_eq!(seen(cell), seen(undisturbed), "{design} under {}", cell.fault);
            assert_eq!((&cell.series, cell.ledger), (&undisturbed.series, undisturbed.ledger));
        }
        assert_eq!(undisturbed.succeeded, undisturbed.offered, "{design}");
    }
}

/// Whether what the clients saw is clearly another: other outcomes, or a quantile at least a tenth higher.
fn moved(undisturbed: &Cell, disturbed: &Cell) -> bool {
    let quantiles = |cell: &Cell| [cell.latency_ms.p50, cell.latency_ms.p90, cell.latency_ms.p99];
    let is_slower = |(before, after): (Option<f64>, Option<f64>)| after > before.map(|before| before * 1.1);
    disturbed.succeeded != undisturbed.succeeded
        || quantiles(undisturbed).into_iter().zip(quantiles(disturbed)).any(is_slower)
}

#[test]
fn a_ramp_and_a_burst_run_and_are_recorded_as_what_they_are() {
    let head = "name = \"shape\"\ndesigns = [\"v0.3.0\"]\n[load]\nduration = \"2s\"\n";
    for (shape, kind) in [
        ("kind = \"ramp\"\nfrom_per_s = 10\nto_per_s = 60\n", "ramp"),
        (
            "kind = \"burst\"\nbase_per_s = 10\npeak_per_s = 90\nburst_start = \"1s\"\nburst_duration = \"500ms\"\n",
            "burst",
        ),
    ] {
        let (_folder, experiment) = experiment(&format!("{head}{shape}"));
        let record = run(&experiment, &RunOptions::default(), &Silent).expect("it runs");
        let load = serde_json::to_value(&record.cells[0].load).expect("JSON");
        assert_eq!(load["kind"], kind);
        let rates = RunOptions { rates: Some(vec![5.0]), ..RunOptions::default() };
        let error = run(&experiment, &rates, &Silent).expect_err("no constant rate");
        assert!(matches!(error, LabError::Usage(_)), "{error}");
    }
}

#[test]
fn progress_is_told_of_every_cell() {
    #[derive(Default)]
    struct Log(Mutex<(usize, Vec<String>)>);
    impl Progress for Log {
        fn started(&self, total: usize) {
            self.0.lock().expect("no panic").0 = total;
        }
        fn cell_done(&self, label: &str) {
            self.0.lock().expect("no panic").1.push(label.to_owned());
        }
    }
    let log = Log::default();
    let designs = ["v0.1.0", "v0.2.0", "v0.3.0"].map(str::to_owned).to_vec();
    let options = RunOptions { designs: Some(designs), faults: Some(vec!["none".to_owned()]), ..small() };
    run(&Experiment::ladder(), &options, &log).expect("it runs");
    let (total, mut done) = log.0.into_inner().expect("no panic");
    done.sort();
    assert_eq!(total, 3);
    assert_eq!(
        done,
        [
            "v0.1.0 at 100/s under none, seed 1",
            "v0.2.0 at 100/s under none, seed 1",
            "v0.3.0 at 100/s under none, seed 1"
        ]
    );
}

/// A closed loop, and steps of which a share claims a high priority, under one service level.
const LOADS: &str = r#"
name = "loads"
designs = ["v0.3.0"]
slo = "500ms"

[[load]]
name = "users"
kind = "users"
users = 20
spawn_per_s = 10
think = { min = "100ms", max = "200ms" }
duration = "3s"

[[load]]
name = "peak"
kind = "steps"
spacing = "even"
steps = [
    { rate_per_s = 50, duration = "2s" },
    { rate_per_s = 400, duration = "1s" },
    { rate_per_s = 50, duration = "2s" },
]
high_priority_share = 0.1

[[expect]]
lesson = "behind a bounded queue a peak leaves nothing"
loads = ["peak"]
metric = "metastability.verdict"
is = "recovered"

[[expect]]
lesson = "what is above capacity is refused"
loads = ["peak"]
metric = "steps.1.goodput_ratio"
at_least = 0.5

[[expect]]
lesson = "priorities are counted"
loads = ["peak"]
metric = "priorities.high.success_ratio"
at_least = 0.01
"#;

#[test]
fn named_loads_in_steps_and_of_users_leave_what_they_are_judged_by() {
    let (_folder, experiment) = experiment(LOADS);
    let record = run(&experiment, &RunOptions::default(), &Silent).expect("it runs");
    let [users, peak] = &record.cells[..] else { panic!("two loads") };
    assert!((80..300).contains(&users.offered), "20 users, each about 3 times a second: {}", users.offered);
    assert!(users.in_flight_max <= 20, "each has one order under way");
    assert!(users.steps.is_empty() && users.priorities.is_empty() && users.metastability.is_none());
    assert_eq!((users.load_name.as_deref(), users.slo_s), (Some("users"), 0.5));
    let offered: Vec<_> = peak.steps.iter().map(|step| step.offered).collect();
    assert_eq!(offered, [100, 400, 100]);
    assert_eq!(peak.priorities["high"].offered, 60);
    let verdicts = check(&experiment, &record);
    assert_eq!(verdicts.len(), 2 + 3, "two sums of outcomes and three expectations");
    assert!(verdicts.iter().all(|verdict| verdict.passed), "{verdicts:#?}");
    assert!(verdicts[1].replay.contains(" --loads peak ") || verdicts[1].replay.contains(" --loads users "));
}

#[test]
fn a_word_that_is_another_is_told() {
    let (_folder, mut experiment) = experiment(LOADS);
    let record = run(&experiment, &RunOptions::default(), &Silent).expect("it runs");
    experiment.expectations[0].word = Some("metastable".to_owned());
    let verdicts = check(&experiment, &record);
    let broken: Vec<_> = verdicts.iter().filter(|verdict| !verdict.passed).collect();
    assert_eq!(broken.len(), 1);
    assert_eq!(broken[0].off_by.as_deref(), Some("it is recovered"));
}
