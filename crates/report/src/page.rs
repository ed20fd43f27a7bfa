//! What was observed of one design, as Markdown: for the page that each design has.
//!
//! Everything is computed from the record, by the same words and formats as the other reports.

use std::fmt::Write as _;

use evidence::record::{Cell, Record};

use crate::background::{HEADS, fields};
use crate::format::{self, NOTHING, millis, number, percent};
use crate::grid::Grid;
use crate::words::{story, under, violations};

/// A design's cells as a table, and what they mean in a sentence or two for each fault.
#[must_use]
pub fn observed(record: &Record, design: &str) -> String {
    let grid = Grid::new(record);
    let mut text = String::new();
    for fault in &grid.faults {
        let told = story(&grid, design, fault).text(2);
        let _infallible = writeln!(text, "* **{}**: {told}", under(fault));
    }
    let cells = || record.cells.iter().filter(|cell| cell.design == design && cell.seed == record.seed);
    if cells().any(|cell| cell.background.is_some()) {
        let _infallible = writeln!(text, "\n| fault | load | {} | ledger |", HEADS.join(" | "));
        text.push_str(&"|---".repeat(HEADS.len() + 3));
        text.push_str("|\n");
        cells().for_each(|cell| accepted_first(&mut text, cell));
        return text;
    }
    text.push_str(
        "\n| fault | load | goodput | success | p99 | refused within (p95) | attempts per order | payment calls | \
         back after | alert after | settled | ledger |\n|---|---|---|---|---|---|---|---|---|---|---|---|\n",
    );
    cells().for_each(|cell| row(&mut text, cell));
    text
}

/// Where orders are accepted first, what counts is what became of them.
fn accepted_first(text: &mut String, cell: &Cell) {
    let Some(background) = &cell.background else { return };
    let fields = fields(cell, background).map(|entry| entry.text).join(" | ");
    let (load, ledger) = (format::load(&cell.load), ledger(cell));
    let _infallible = writeln!(text, "| {} | {load} | {fields} | {ledger} |", cell.fault);
}

/// Under a fault, what counts is the part of the run in which it has been on for two seconds.
fn row(text: &mut String, cell: &Cell) {
    let phase = cell.phases.get("during").or_else(|| cell.phases.get("before"));
    let refusals = phase.and_then(|phase| phase.refusal_latency_ms.p95);
    let attempts = phase.and_then(|phase| phase.attempts_per_order).map_or(NOTHING.to_owned(), number);
    let calls = phase.map_or(0, |phase| phase.payment_calls);
    let seconds = |value: Option<f64>| value.map(|value| format!("{} s", number(value)));
    let back = match (cell.fault_window_s, cell.recovery_s) {
        (None, _) => NOTHING.to_owned(),
        (Some(_), None) => "never".to_owned(),
        (Some(_), after) => seconds(after).unwrap_or_default(),
    };
    let alert = seconds(cell.detection_s).unwrap_or_else(|| NOTHING.to_owned());
    let settled = cell.settled.completed + cell.settled.failed + cell.settled.refunded;
    let (load, ledger) = (format::load(&cell.load), ledger(cell));
    let _infallible = writeln!(
        text,
        "| {} | {load} | {} | {} | {} | {} | {attempts} | {calls} | {back} | {alert} | {settled} | {ledger} |",
        cell.fault,
        percent(cell.goodput_ratio),
        percent(cell.success_ratio),
        millis(cell.latency_ms.p99),
        millis(refusals),
    );
}

fn ledger(cell: &Cell) -> String {
    let ledger: Vec<_> = violations(&cell.ledger)
        .iter()
        .filter(|(count, ..)| *count > 0)
        .map(|(count, one, many)| format!("{count} {}", if *count == 1 { one } else { many }))
        .collect();
    if ledger.is_empty() { "clean".to_owned() } else { ledger.join(", ") }
}
