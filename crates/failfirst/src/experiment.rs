//! `failfirst ladder` and `failfirst run`: an experiment from its file to its record, table and report.
//!
//! Everything that can be wrong with what was asked is found out first, then whether the folder can be written;
//! only then anything runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use lab::evidence::Verdict;
use lab::evidence::record::Record;
use lab::experiment::{Experiment, ExperimentError, Source, UsageError, WorldName, check, not_run};
use lab::runner::{self, Interrupt, LabError, LocalOptions, RunOptions};

use crate::cli::{ExperimentArgs, RunArgs, World};
use crate::failure::Failure;
use crate::output::{self, OutDir, Screen};
use crate::progress::Bar;
use crate::signals;

/// What the report is called, beside its record.
const REPORT: &str = "report.html";

/// What the simulated record is called that stands beside a local one.
const SIMULATED: &str = "sim.json";

/// Where local cells have their folders while they run, below the record's.
const CELLS: &str = "cells";

/// Runs the ladder.
///
/// # Errors
///
/// When what was asked for cannot be run or written, or when `--check` was asked for and something does not hold.
pub(crate) fn ladder(args: &ExperimentArgs) -> Result<(), Failure> {
    run(&Experiment::ladder(), args)
}

/// Runs an experiment file.
///
/// # Errors
///
/// As for [`ladder`], and when the file cannot be read or is wrong.
pub(crate) fn file(args: &RunArgs) -> Result<(), Failure> {
    run(&read(&args.file)?, &args.experiment)
}

/// An experiment from its file.
///
/// # Errors
///
/// When the file cannot be read or is wrong.
pub(crate) fn read(file: &Path) -> Result<Experiment, Failure> {
    Experiment::read(file).map_err(|error| {
        let unreadable = matches!(error, ExperimentError::Read { .. });
        let failure = Failure::input(error);
        if unreadable {
            failure.help("an experiment is a TOML file such as experiments/ladder.toml")
        } else {
            failure
        }
    })
}

fn run(whole: &Experiment, args: &ExperimentArgs) -> Result<(), Failure> {
    let world = args.world.unwrap_or(match whole.world {
        WorldName::Sim => World::Sim,
        WorldName::Local => World::Local,
    });
    let simulated = options(args);
    let experiment = whole.narrow(&simulated.narrowing()).map_err(wrong)?;
    let record_name = match experiment.source {
        Source::Ladder => "ladder.json",
        Source::File(_) => "run.json",
    };
    let usual = match world {
        World::Sim => experiment.name.clone(),
        World::Local => format!("{}-local", experiment.name),
    };
    let folder = args.out.clone().unwrap_or_else(|| Path::new("out").join(usual));
    let options = match world {
        World::Sim => simulated.clone(),
        World::Local => RunOptions { world: local(&folder)?, ..simulated.clone() },
    };
    for warning in runner::feasible(whole, &options).map_err(broken)? {
        eprintln!("warning: {warning}");
    }
    let out = OutDir::claim(&folder, &[record_name, REPORT])?;

    // The simulated cells take seconds, and nothing else may run beside real ones.
    let beside = match world == World::Local && !args.without_sim {
        true => Some(runner::run(whole, &simulated, &Bar::over("simulated cells")).map_err(broken)?),
        false => None,
    };
    let record = match &beside {
        // Searches are made in the simulation whatever the world is: these are made.
        Some(beside) => {
            let cells_only = Experiment { searches: Vec::new(), ..whole.clone() };
            let record = runner::run(&cells_only, &options, &Bar::default()).map_err(broken)?;
            Record { searches: beside.searches.clone(), ..record }
        }
        None => runner::run(whole, &options, &Bar::default()).map_err(broken)?,
    };
    if world == World::Local {
        // Empty when every cell went well, as they did.
        let _kept = std::fs::remove_dir(folder.join(CELLS));
    }
    let verdicts = check(&experiment, &record);
    let json = record.to_json();
    let page = report::html_beside(&record, &verdicts, beside.as_ref());
    let beside_json = beside.as_ref().map(Record::to_json);
    let mut files = vec![(record_name, json.as_str()), (REPORT, page.as_str())];
    files.extend(beside_json.as_deref().map(|json| (SIMULATED, json)));
    let written = out.write(&files)?;

    if args.json {
        output::print(&json)?;
        if args.check {
            eprint!("{}", judgement(&experiment, &record, &verdicts));
        }
    } else {
        let text = text(&experiment, &record, beside.as_ref(), &verdicts, &written, args.check);
        output::print(&text)?;
    }
    match args.check && verdicts.iter().any(|verdict| !verdict.passed) {
        true => Err(Failure::NotAsExpected),
        false => Ok(()),
    }
}

/// This machine as a world: with this program, in this folder, until it is interrupted.
fn local(folder: &Path) -> Result<runner::World, Failure> {
    let program =
        std::env::current_exe().context("cannot find this program itself").map_err(Failure::stopped)?;
    let interrupt = Interrupt::default();
    signals::raise_when_interrupted(&interrupt).map_err(Failure::stopped)?;
    Ok(runner::World::Local(LocalOptions { program, folder: folder.join(CELLS), interrupt }))
}

fn options(args: &ExperimentArgs) -> RunOptions {
    let unless_empty = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let default = RunOptions::default();
    RunOptions {
        world: default.world,
        seeds: match (&args.seeds, args.seed) {
            (Some(seeds), _) => seeds.0.clone().collect(),
            (None, Some(seed)) => vec![seed],
            (None, None) => default.seeds,
        },
        rates: (!args.rates.is_empty()).then(|| args.rates.clone()),
        loads: unless_empty(&args.loads),
        duration: args.duration,
        designs: unless_empty(&args.designs),
        faults: unless_empty(&args.faults),
        threads: args.jobs.unwrap_or(default.threads),
        memory_max_mib: default.memory_max_mib,
    }
}

fn wrong(error: UsageError) -> Failure {
    match error {
        UsageError::Design(error) => crate::designs::wrong(error),
        error => Failure::input(error),
    }
}

/// What an error of the laboratory is told as.
pub(crate) fn broken(error: LabError) -> Failure {
    match error {
        LabError::Usage(error) => wrong(error),
        error @ (LabError::TooLarge { .. } | LabError::NotLocal { .. } | LabError::Machine { .. }) => {
            Failure::input(error)
        }
        LabError::Interrupted => {
            Failure::stopped(LabError::Interrupted).help("nothing was written, and no process is left")
        }
        error => Failure::stopped(error)
            .help("this is a defect of Failfirst and not a finding; nothing was written"),
    }
}

/// The table, the spread over the seeds, what was expected, and where to go from here.
fn text(
    experiment: &Experiment,
    record: &Record,
    beside: Option<&Record>,
    verdicts: &[Verdict],
    written: &[PathBuf],
    checked: bool,
) -> String {
    let Screen { width, colour } = Screen::of_stdout();
    let mut text = report::terminal::table(record, width, colour);
    if record.cells.iter().any(|cell| cell.seed != record.seed) {
        let _infallible = write!(text, "\n{}", report::terminal::spread(record, width, colour));
    }
    if let Some(simulated) = beside {
        let _infallible = write!(text, "\n{}", report::terminal::beside(record, simulated, width, colour));
    }
    if checked {
        let _infallible = write!(text, "\n{}", judgement(experiment, record, verdicts));
    }
    text.push('\n');
    for (what, path) in ["record", "report", "beside"].iter().zip(written) {
        let _infallible = writeln!(text, "{what}  {}", path.display());
    }
    text.push_str(if checked {
        "Next: open the report in a browser; `failfirst designs diff A B` shows what makes two designs differ.\n"
    } else {
        "Next: open the report in a browser; `--check` holds the same run against what is expected of it.\n"
    });
    text
}

/// Which expectations failed, how many hold, how many were not asked.
fn judgement(experiment: &Experiment, record: &Record, verdicts: &[Verdict]) -> String {
    let mut text = report::terminal::verdicts(verdicts);
    match not_run(experiment, record).len() {
        0 => {}
        1 => text.push_str("1 expectation is about cells that were not part of this run\n"),
        several => {
            let _infallible =
                writeln!(text, "{several} expectations are about cells that were not part of this run");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroUsize;

    use clap::Parser as _;

    use super::{RunOptions, options};
    use crate::cli::{Cli, Command};

    fn asked(arguments: &str) -> RunOptions {
        let words = std::iter::once("failfirst").chain(arguments.split_whitespace());
        match Cli::try_parse_from(words).expect("well said").command {
            Command::Ladder(args) => options(&args),
            other => panic!("not the ladder: {other:?}"),
        }
    }

    #[test]
    fn what_is_not_said_is_left_to_the_experiment() {
        assert_eq!(asked("ladder"), RunOptions::default());
    }

    #[test]
    fn what_is_said_is_asked_of_the_laboratory() {
        let options =
            asked("ladder --seeds 3..5 --rates 50,0.5 --designs v0.1.0 --faults none,blackout --jobs 1");
        assert_eq!(options.seeds, [3, 4, 5]);
        assert_eq!(options.rates, Some(vec![50.0, 0.5]));
        assert_eq!(options.designs, Some(vec!["v0.1.0".to_owned()]));
        assert_eq!(options.faults, Some(vec!["none".to_owned(), "blackout".to_owned()]));
        assert_eq!(options.threads, NonZeroUsize::MIN);
        assert_eq!(asked("ladder --seed 9").seeds, [9]);
    }
}
