//! The command that a broken expectation shows is one that the program understands, and runs that very cell.

use std::path::Path;
use std::time::Duration;

use clap::Parser as _;
use failfirst::cli::{Cli, Command, ExperimentArgs};
use lab::experiment::{Experiment, check};
use lab::runner::{RunOptions, Silent, run};

/// What the replay command of the experiment's only cell asks for.
fn replayed(experiment: &Experiment) -> Command {
    let options = RunOptions {
        seeds: vec![7],
        rates: Some(vec![0.5]),
        duration: Some(Duration::from_millis(2_500)),
        designs: Some(vec!["v0.2.0".to_owned()]),
        faults: Some(vec!["none".to_owned()]),
        ..RunOptions::default()
    };
    let record = run(experiment, &options, &Silent).expect("a record");
    let verdicts = check(experiment, &record);
    let replay = &verdicts.first().expect("every cell has a verdict").replay;
    let arguments = replay.strip_prefix("cargo run --release -- ").unwrap_or_else(|| panic!("{replay}"));
    let words = std::iter::once("failfirst").chain(arguments.split(' '));
    Cli::try_parse_from(words).unwrap_or_else(|error| panic!("{replay}\n{error}")).command
}

fn asks_for_the_cell(args: &ExperimentArgs) {
    assert_eq!(args.seed, Some(7));
    assert_eq!(args.rates, [0.5]);
    assert_eq!(args.duration, Some(Duration::from_millis(2_500)));
    assert_eq!((&args.designs[..], &args.faults[..]), (&["v0.2.0".to_owned()][..], &["none".to_owned()][..]));
    assert!(args.check, "the failure is shown again");
    assert_eq!(args.out.as_deref(), Some(Path::new("out/replay")), "the whole run's record stays");
}

#[test]
fn a_cell_of_the_ladder_is_replayed() {
    match replayed(&Experiment::ladder()) {
        Command::Ladder(args) => asks_for_the_cell(&args),
        other => panic!("not the ladder: {other:?}"),
    }
}

#[test]
fn a_cell_of_an_experiment_file_is_replayed() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments/ladder.toml");
    let experiment = Experiment::read(&path).expect("an experiment");
    match replayed(&experiment) {
        Command::Run(args) => {
            assert_eq!(args.file, path);
            asks_for_the_cell(&args.experiment);
        }
        other => panic!("not an experiment: {other:?}"),
    }
}
