//! What happened, in words that are computed from the numbers.
//!
//! One story per design and fault. Each cell gets one fate ([`clauses::Fate`]) from thresholds over its
//! metrics; neighbouring loads that share a fate share a clause; [`notes`] add causes and side effects.
//! Nothing here knows a design or a fault by name, so the words can never claim what the numbers do not
//! show. The terminal and the page use the same words.

mod clauses;
mod headline;
mod notes;
mod reading;
#[cfg(test)]
mod tests;

use evidence::record::Cell;

use crate::{format, grid::Grid};
use clauses::Fate;
pub(crate) use headline::{headline, under, violations, violations_of};
use reading::Reading;

/// How good or bad a story is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Tone {
    /// As it should be.
    Good,
    /// Felt, but survived.
    Mixed,
    /// Broken.
    Bad,
}

/// What happened to one design under one fault.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Story {
    /// The worst that happened.
    pub(crate) tone: Tone,
    /// One clause per group of neighbouring loads, beginning with a capital letter once joined.
    pub(crate) clauses: Vec<String>,
    /// Causes and side effects, the gravest first.
    pub(crate) notes: Vec<String>,
}

impl Story {
    /// The clauses and at most `notes` notes as sentences.
    pub(crate) fn text(&self, notes: usize) -> String {
        let mut text = sentence(&self.clauses.join("; "));
        for note in self.notes.iter().take(notes) {
            text.push(' ');
            text.push_str(&sentence(note));
        }
        text
    }
}

/// The story of one design under one fault, over all loads of the record.
pub(crate) fn story(grid: &Grid<'_>, design: &str, fault: &str) -> Story {
    tell(grid, &grid.across_loads(design, fault))
}

/// The story of one cell.
pub(crate) fn story_of(grid: &Grid<'_>, cell: &Cell) -> Story {
    tell(grid, &[cell])
}

fn tell(grid: &Grid<'_>, cells: &[&Cell]) -> Story {
    let readings: Vec<Reading<'_>> =
        cells.iter().map(|cell| Reading { cell, control: control(grid, cell) }).collect();
    let name = |reading: &Reading<'_>| grid.load_name(&reading.cell.load);
    let mut tone = Tone::Good;
    let mut clauses = Vec::new();
    for group in readings.chunk_by(|a, b| Fate::of(a) == Fate::of(b)) {
        let fate = Fate::of(&group[0]);
        tone = tone.max(fate.tone());
        let clause = fate.clause(group);
        let at = at(group, &readings, &name);
        clauses.push(if readings.len() > 1 { format!("{at} {clause}") } else { clause });
    }
    let ledger_broken =
        readings.iter().any(|reading| reading.cell.ledger != evidence::record::Ledger::default());
    if ledger_broken {
        tone = tone.max(Tone::Mixed);
    }
    Story { tone, clauses, notes: notes::notes(&readings, &name) }
}

/// `at 50/s and 100/s`, or `at every load` when that is all of them.
fn at(group: &[Reading<'_>], all: &[Reading<'_>], name: &dyn Fn(&Reading<'_>) -> String) -> String {
    if group.len() == all.len() && all.len() > 2 {
        return "at every load".to_owned();
    }
    let loads: Vec<String> = group.iter().map(name).collect();
    format!("at {}", format::list(&loads))
}

/// The same design under the same load without a fault.
fn control<'a>(grid: &Grid<'a>, cell: &Cell) -> Option<&'a Cell> {
    cell.fault_window_s?;
    let calm = |fault: &&&str| {
        grid.cell(&cell.design, fault, &cell.load).is_some_and(|c| c.fault_window_s.is_none())
    };
    let fault = grid.faults.iter().find(calm)?;
    grid.cell(&cell.design, fault, &cell.load)
}

/// With a capital letter and a full stop.
pub(crate) fn sentence(text: &str) -> String {
    format!("{}.", capital(text))
}

/// With a capital letter.
pub(crate) fn capital(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| format!("{}{}", first.to_uppercase(), letters.as_str()))
}
