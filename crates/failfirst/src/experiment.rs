//! `failfirst ladder` and `failfirst run`: an experiment from its file to its record, table and report.
//!
//! Everything that can be wrong with what was asked is found out first, then whether the folder can be written;
//! only then anything runs.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

use lab::evidence::Verdict;
use lab::evidence::record::Record;
use lab::experiment::{Experiment, ExperimentError, Source, UsageError, check, not_run};
use lab::runner::{self, LabError, RunOptions};

use crate::cli::{ExperimentArgs, RunArgs, World};
use crate::failure::Failure;
use crate::output::{self, OutDir, Screen};
use crate::progress::Bar;

/// What the report is called, beside its record.
const REPORT: &str = "report.html";

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
    let World::Sim = args.world;
    let options = options(args);
    let experiment = whole.narrow(&options.narrowing()).map_err(wrong)?;
    runner::feasible(whole, &options).map_err(broken)?;
    let record_name = match experiment.source {
        Source::Ladder => "ladder.json",
        Source::File(_) => "run.json",
    };
    let folder = args.out.clone().unwrap_or_else(|| Path::new("out").join(&experiment.name));
    let out = OutDir::claim(&folder, &[record_name, REPORT])?;

    let record = {
        let bar = Bar::default();
        runner::run(whole, &options, &bar).map_err(broken)?
    };
    let verdicts = check(&experiment, &record);
    let json = record.to_json();
    let written = out.write(&[(record_name, &json), (REPORT, &report::html(&record, &verdicts))])?;

    if args.json {
        output::print(&json)?;
        if args.check {
            eprint!("{}", judgement(&experiment, &record, &verdicts));
        }
    } else {
        output::print(&text(&experiment, &record, &verdicts, &written, args.check))?;
    }
    match args.check && verdicts.iter().any(|verdict| !verdict.passed) {
        true => Err(Failure::NotAsExpected),
        false => Ok(()),
    }
}

fn options(args: &ExperimentArgs) -> RunOptions {
    let unless_empty = |list: &[String]| (!list.is_empty()).then(|| list.to_vec());
    let default = RunOptions::default();
    RunOptions {
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
        error @ LabError::TooLarge { .. } => Failure::input(error),
        error => Failure::stopped(error)
            .help("this is a defect of Failfirst and not a finding; nothing was written"),
    }
}

/// The table, the spread over the seeds, what was expected, and where to go from here.
fn text(
    experiment: &Experiment,
    record: &Record,
    verdicts: &[Verdict],
    written: &[PathBuf],
    checked: bool,
) -> String {
    let Screen { width, colour } = Screen::of_stdout();
    let mut text = report::terminal::table(record, width, colour);
    if record.cells.iter().any(|cell| cell.seed != record.seed) {
        let _infallible = write!(text, "\n{}", report::terminal::spread(record, width, colour));
    }
    if checked {
        let _infallible = write!(text, "\n{}", judgement(experiment, record, verdicts));
    }
    text.push('\n');
    for (what, path) in ["record", "report"].iter().zip(written) {
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
