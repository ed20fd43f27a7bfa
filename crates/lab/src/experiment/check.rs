//! Holding a record against what its experiment expects.

use evidence::{
    Verdict,
    record::{Cell, Record},
};

use super::{CellName, Expectation, Experiment, metric, metric::Found, replay};

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
/// whose cells were not run gives no verdict; [`not_run`] lists it.
#[must_use]
pub fn check(experiment: &Experiment, record: &Record) -> Vec<Verdict> {
    let mut verdicts = Vec::new();
    for (index, cell) in record.cells.iter().enumerate() {
        let json = serde_json::to_value(cell).expect("a cell has text keys only");
        let replay = replay(experiment, &CellName::of(cell));
        verdicts.push(outcomes_add_up(index, cell, replay.clone()));
        let expectations = experiment.expectations.iter().filter(|expectation| expectation.speaks_of(cell));
        verdicts.extend(expectations.map(|expectation| judge(expectation, index, &json, replay.clone())));
    }
    verdicts
}

/// The expectations that no cell of the record answers.
#[must_use]
pub fn not_run(experiment: &Experiment, record: &Record) -> Vec<NotRun> {
    let is_unmatched =
        |expectation: &&Expectation| !record.cells.iter().any(|cell| expectation.speaks_of(cell));
    let unmatched = experiment.expectations.iter().filter(is_unmatched);
    unmatched
        .map(|expectation| NotRun {
            lesson: expectation.lesson.clone(),
            expected: format!("{} {}", expectation.metric, expectation.expected()),
        })
        .collect()
}

fn judge(expectation: &Expectation, cell: usize, json: &serde_json::Value, replay: String) -> Verdict {
    let (value, passed, off_by) = match metric::find(json, &expectation.metric) {
        Found::Value(value) => {
            let broken = expectation.bounds.iter().find(|bound| !bound.holds(value));
            (value, broken.is_none(), broken.and_then(|bound| bound.off_by(value)))
        }
        Found::NotANumber => (None, false, Some("the metric is not a number".to_owned())),
        Found::Missing => (None, false, Some("the cell has no such metric".to_owned())),
    };
    Verdict {
        lesson: expectation.lesson.clone(),
        metric: expectation.metric.clone(),
        cell,
        value,
        expected: expectation.expected(),
        passed,
        off_by,
        replay,
    }
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
