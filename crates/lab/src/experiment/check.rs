//! Holding a record against what its experiment expects.

mod sample;

use evidence::{
    Verdict,
    metric::Found,
    record::{Cell, Record},
};

use self::sample::{Numbers, Sample, samples};
use super::{Bound, CellName, Expectation, Experiment, OverSeeds, replay};

/// An expectation that the record has no cell for, because only a part of the experiment was run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NotRun {
    /// The lesson it would have proved.
    pub lesson: String,
    /// The metric and what it must be.
    pub expected: String,
}

/// What every cell of every experiment must meet.
const OUTCOMES_ADD_UP: &str = "every order that was offered has exactly one outcome";

/// Holds every cell against every expectation that speaks of it, and against the sum of its outcomes.
///
/// A metric that a cell does not have is a failure and not a pass: its verdict has no value. An expectation
/// whose cells were not run, or were run without the ones they are compared with, gives no verdict;
/// [`not_run`] lists it. One over the mean of the seeds gives one verdict for all of them, at the first.
#[must_use]
pub fn check(experiment: &Experiment, record: &Record) -> Vec<Verdict> {
    let numbers = Numbers::of(record, &experiment.expectations);
    let mut verdicts: Vec<Vec<Verdict>> = Vec::new();
    for (index, cell) in record.cells.iter().enumerate() {
        let replay = replay(experiment, &record.world, &[CellName::of(cell)]);
        verdicts.push(vec![outcomes_add_up(index, cell, replay)]);
    }
    for expectation in &experiment.expectations {
        for sample in samples(expectation, record) {
            let verdict = judge(experiment, expectation, &sample, record, &numbers);
            verdicts[sample.first()].push(verdict);
        }
    }
    verdicts.into_iter().flatten().collect()
}

/// The expectations that no cell of the record answers.
#[must_use]
pub fn not_run(experiment: &Experiment, record: &Record) -> Vec<NotRun> {
    let unanswered = experiment.expectations.iter().filter(|expected| samples(expected, record).is_empty());
    unanswered
        .map(|expectation| NotRun {
            lesson: expectation.lesson.clone(),
            expected: format!("{} {}", expectation.metric, expectation.expected()),
        })
        .collect()
}

fn judge(
    experiment: &Experiment,
    expectation: &Expectation,
    sample: &Sample,
    record: &Record,
    numbers: &Numbers<'_>,
) -> Verdict {
    let cells: Vec<_> = sample.all().map(|cell| CellName::of(&record.cells[cell])).collect();
    let mut verdict = Verdict {
        lesson: expectation.lesson.clone(),
        metric: expectation.metric.clone(),
        cell: sample.first(),
        value: None,
        expected: expectation.expected(),
        passed: false,
        off_by: None,
        replay: replay(experiment, &record.world, &cells),
    };
    let value = match numbers.value(&sample.cells, &expectation.metric) {
        Found::Value(value) => value,
        Found::Text(found) if expectation.word.is_some() => {
            let passed = expectation.word.as_ref() == Some(&found);
            let off_by = (!passed).then(|| format!("it is {found}"));
            return Verdict { passed, off_by, ..verdict };
        }
        Found::Text(_) | Found::NotANumber => {
            return Verdict { off_by: Some("the metric is not a number".to_owned()), ..verdict };
        }
        Found::Missing => {
            return Verdict { off_by: Some("the cell has no such metric".to_owned()), ..verdict };
        }
    };
    let limits = limits(expectation, sample, numbers);
    let broken = limits.iter().find(|(bound, _)| !bound.is_some_and(|bound| bound.holds(value)));
    verdict.value = value;
    verdict.passed = broken.is_none();
    verdict.off_by = broken.and_then(|(bound, _)| bound.as_ref()?.off_by(value));
    verdict.expected = limits.into_iter().map(|(_, told)| told).collect::<Vec<_>>().join(" and ");
    if expectation.over_seeds == OverSeeds::Mean {
        let seeds = sample.cells.len();
        let of = if seeds == 1 { "of one seed".to_owned() } else { format!("mean of {seeds} seeds") };
        verdict.expected.push_str(&format!(" ({of})"));
    }
    verdict
}

/// Every bound and comparison in words, with what it comes to; a comparison with null comes to nothing.
fn limits(expectation: &Expectation, sample: &Sample, numbers: &Numbers<'_>) -> Vec<(Option<Bound>, String)> {
    let mut limits: Vec<_> =
        expectation.bounds.iter().map(|bound| (Some(*bound), bound.to_string())).collect();
    for (comparison, others) in expectation.comparisons.iter().zip(&sample.others) {
        let metric = comparison.metric.as_ref().unwrap_or(&expectation.metric);
        let other = match numbers.value(others, metric) {
            Found::Value(value) => value,
            Found::Text(_) | Found::NotANumber | Found::Missing => None,
        };
        limits.push((other.map(|other| comparison.bound(other)), comparison.told(other)));
    }
    limits
}

fn outcomes_add_up(index: usize, cell: &Cell, replay: String) -> Verdict {
    let sum = cell.succeeded + cell.declined + cell.rejected + cell.failed + cell.timed_out;
    let off_by = match cell.offered.abs_diff(sum) {
        0 => None,
        off_by if cell.offered > sum => Some(format!("{off_by} orders without an outcome")),
        off_by => Some(format!("{off_by} outcomes without an order")),
    };
    Verdict {
        lesson: OUTCOMES_ADD_UP.to_owned(),
        metric: "offered".to_owned(),
        cell: index,
        value: Some(cell.offered as f64),
        expected: format!("{sum}, the sum of the outcomes"),
        passed: off_by.is_none(),
        off_by,
        replay,
    }
}
