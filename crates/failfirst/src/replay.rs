//! `failfirst replay`: one run again, to look at.

use lab::evidence::campaign::ScheduleRecord;
use lab::evidence::ledger::Violation;
use lab::evidence::record::Cell;
use lab::evidence::timeline::Moment;
use lab::experiment::Experiment;
use lab::runner::RunOptions;
use lab::verify::replay::{self, Part, Replay};
use serde::Serialize;

use crate::cli::ReplayArgs;
use crate::experiment::{broken, read};
use crate::failure::Failure;
use crate::output::{self, Screen};

/// Runs it again.
///
/// # Errors
///
/// When there is no such schedule, cell or order, or when the run breaks an invariant.
pub(crate) fn replay(args: &ReplayArgs) -> Result<(), Failure> {
    let replay = run(args)?;
    let timeline = match &args.timeline {
        Some(Some(order)) => Some((order.as_str(), timeline(&replay, order)?)),
        Some(None) | None => None,
    };
    let text = if args.json { json(&replay, timeline.as_ref()) } else { text(&replay, timeline.as_ref()) };
    output::print(&text)?;
    if replay.violations.is_empty() { Ok(()) } else { Err(Failure::NotAsExpected) }
}

fn run(args: &ReplayArgs) -> Result<Replay, Failure> {
    let Some(experiment) = &args.experiment else {
        let part = Part {
            only: args.only.clone().map(|numbers| numbers.0),
            without: args.drop.clone().map(|numbers| numbers.0).unwrap_or_default(),
            alone: args.alone,
            duration: args.duration,
        };
        return replay::schedule(&args.design, args.seed, &part).map_err(broken);
    };
    let experiment =
        if experiment.as_os_str() == "ladder" { Experiment::ladder() } else { read(experiment)? };
    let options = RunOptions {
        seeds: vec![args.seed],
        rates: args.rate.map(|rate| vec![rate]),
        duration: args.duration,
        designs: Some(vec![args.design.clone()]),
        faults: args.fault.clone().map(|fault| vec![fault]),
        loads: args.load.clone().map(|load| vec![load]),
        ..RunOptions::default()
    };
    replay::cell(&experiment, &options).map_err(broken)
}

fn timeline(replay: &Replay, order: &str) -> Result<Vec<Moment>, Failure> {
    replay.timeline(order).ok_or_else(|| {
        let known: Vec<_> = replay
            .interesting()
            .into_iter()
            .map(|known| format!("{} ({})", known.order, known.why))
            .collect();
        Failure::input(anyhow::anyhow!("nobody knows of an order {order} in {}", replay.title))
            .help(format!("orders are called o-0, o-1, …; worth a look: {}", known.join(", ")))
    })
}

fn text(replay: &Replay, timeline: Option<&(&str, Vec<Moment>)>) -> String {
    let Screen { width, colour } = Screen::of_stdout();
    let mut text = report::terminal::replay(
        &replay.title,
        &replay.schedule,
        &replay.faults(),
        &replay.cell,
        &replay.violations,
        colour,
    );
    match timeline {
        Some((order, moments)) => text.push_str(&report::terminal::timeline(order, moments, width, colour)),
        None => {
            let proposed: Vec<_> =
                replay.interesting().into_iter().map(|known| (known.order, known.why)).collect();
            text.push_str(&report::terminal::worth_a_look(&proposed, colour));
        }
    }
    text
}

/// What a program reads. Stable names: add, never rename.
#[derive(Serialize)]
struct Replayed<'a> {
    title: &'a str,
    schedule: &'a ScheduleRecord,
    violations: &'a [Violation],
    cell: &'a Cell,
    worth_a_look: Vec<Proposed>,
    #[serde(skip_serializing_if = "Option::is_none")]
    timeline: Option<Timeline<'a>>,
}

#[derive(Serialize)]
struct Proposed {
    order: String,
    why: String,
}

#[derive(Serialize)]
struct Timeline<'a> {
    order: &'a str,
    moments: &'a [Moment],
}

fn json(replay: &Replay, timeline: Option<&(&str, Vec<Moment>)>) -> String {
    let proposed = replay.interesting().into_iter();
    let replayed = Replayed {
        title: &replay.title,
        schedule: &replay.schedule,
        violations: &replay.violations,
        cell: &replay.cell,
        worth_a_look: proposed.map(|known| Proposed { order: known.order, why: known.why }).collect(),
        timeline: timeline.map(|(order, moments)| Timeline { order, moments }),
    };
    let mut text = serde_json::to_string_pretty(&replayed).expect("a replay has text keys only");
    text.push('\n');
    text
}
