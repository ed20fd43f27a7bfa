//! The record in a terminal: a comparison that can be read without a manual.
//!
//! One table per fault, the loads beneath each other and the designs side by side within each load, a
//! legend in plain words, and then what happened in words. On a narrow terminal the columns that matter
//! least are left out, because a wrapped table cannot be read at all. Colour only repeats what the text
//! says already.

mod campaign;
mod layout;
mod spread;
#[cfg(test)]
mod tests;
mod verdicts;

use std::fmt::Write;

use evidence::record::{Cell, Ledger, Record};

use crate::beside;
use crate::format;
use crate::grid::Grid;
use crate::sections;
use crate::words::{self, Tone};
pub use campaign::{campaign, replay, timeline, worth_a_look};
pub(crate) use layout::{Column, Field, paragraph, render};
pub use spread::spread;
pub(crate) use spread::spread_lines;
pub(crate) use verdicts::finding;
pub use verdicts::verdicts;

/// The width that is assumed where none is known, in characters.
pub(crate) const WIDTH: u16 = 120;

/// What a column says of a cell.
type Value = fn(&Cell) -> Field;

/// The columns of a cell: without a fault neither recovery nor detection, and that only where anything watches.
const COLUMNS: [(Column, Value); 11] = [
    (Column::left("goodput\nof possible", 9), goodput),
    (Column::right("success\n", 8), |cell| Field::plain(format::percent(cell.success_ratio))),
    (Column::right("refused\n", 6), |cell| share_of(cell, cell.rejected)),
    (Column::right("failed,\ntimed out", 5), |cell| share_of(cell, cell.failed + cell.timed_out)),
    (Column::right("latency\np50", 1), |cell| Field::plain(format::millis(cell.latency_ms.p50))),
    (Column::right("latency\np99", 7), |cell| Field::plain(format::millis(cell.latency_ms.p99))),
    (Column::right("in flight\nat most", 3), |cell| Field::plain(format::count(cell.in_flight_max))),
    (Column::right("queue\nlongest", 2), |cell| Field::plain(format::count(cell.queue_depth_max))),
    (Column::right("back\nafter", 8), recovery),
    (Column::right("alert\nafter", 4), detection),
    (Column::left("ledger\n", 7), ledger),
];

/// Where [`recovery`] stands in [`COLUMNS`].
const RECOVERY: usize = 8;

/// Where [`detection`] stands in [`COLUMNS`].
const DETECTION: usize = 9;

/// The words of the report, and what they mean.
pub(crate) fn legend(grid: &Grid<'_>) -> Vec<(&'static str, String)> {
    let mut goodput = format!(
        "orders answered with success within {} s of the moment they were meant to be sent, as a share of what payment \
         could have done at that time. About 100 % is the most that any design can do. Chance adds a little; under a \
         fault, so do orders sent late in it that are answered in time after it, with capacity that is back.",
        format::number(grid.slo_s)
    );
    if grid.all_cells(None).iter().any(|cell| cell.background.is_some()) {
        goodput.push_str(
            " Where orders are accepted first, the answer is that they are, and may come sooner than payment can work.",
        );
    }
    let others = LEGEND.map(|(word, meaning)| (word, meaning.to_owned()));
    [("goodput", goodput)].into_iter().chain(others).collect()
}

/// What needs no number of the record.
const LEGEND: [(&str, &str); 7] = [
    (
        "success",
        "share of all orders that were answered with success, however late. Refused ones were told at once to come \
         back later; failed ones got an error; timed-out ones got nothing in time.",
    ),
    (
        "latency",
        "of the successes, from the moment they were meant to be sent: half are quicker than p50, 99 % than p99.",
    ),
    ("in flight", "most orders in work at once at order-api."),
    ("queue", "most orders that waited in one queue at once, anywhere in the platform."),
    (
        "back after",
        "how long after the fault's end goodput is at 85 % again and stays there; \"never\" is not within the run.",
    ),
    (
        "alert after",
        "how long after the fault's start the platform itself raises an alert that names latency or the dependency.",
    ),
    (
        "ledger",
        "what the books of all sides show at the end: lost (success promised, no order), double (charged twice), ghost \
         (charged, not completed), stuck (never finished), notices (told twice), bounds (a queue above its limit).",
    ),
];

/// The whole record as a table with legend and words, at most `width` characters wide (120 when unknown).
///
/// With several seeds the table shows the first one; [`spread()`] shows all of them.
#[must_use]
pub fn table(record: &Record, width: Option<u16>, colour: bool) -> String {
    let width = width.unwrap_or(WIDTH);
    let grid = Grid::new(record);
    let mut text = String::new();
    for fault in &grid.faults {
        text.push_str(&heading(&fault_title(&grid, fault), colour));
        text.push_str(&fault_table(&grid, fault, width, colour));
        text.push('\n');
    }
    text.push_str(&meanings(&grid, width));
    text.push('\n');
    let mut sheets = sections::sheets(record, &grid);
    sheets.extend(crate::background::sheets(record, &grid));
    text.push_str(&sections::text(&sheets, width, colour));
    text.push_str(&heading("What happened", colour));
    text.push_str(&stories(&grid, width));
    if grid.seeds.len() > 1 {
        let seeds = format::counted(grid.seeds.len() as u64, "seed", "seeds");
        let _ = writeln!(text, "\nThis is seed {} of {seeds}; the spread shows all of them.", grid.seeds[0]);
    }
    text
}

/// A record of real processes beside the same cells simulated, and what the processes used.
#[must_use]
pub fn beside(real: &Record, simulated: &Record, width: Option<u16>, colour: bool) -> String {
    let sheets = [beside::sheet(real, simulated), beside::done(real, simulated), beside::processes(real)];
    let sheets: Vec<_> = sheets.into_iter().flatten().collect();
    sections::text(&sheets, width.unwrap_or(WIDTH), colour)
}

/// What is said above a fault's table: its name, when it was, and what it did to payment.
pub(crate) fn fault_title(grid: &Grid<'_>, fault: &str) -> String {
    let cell = grid.designs.iter().find_map(|design| grid.across_loads(design, fault).first().copied());
    let Some(([from, to], cell)) = cell.and_then(|cell| Some((cell.fault_window_s?, cell))) else {
        return words::capital(&words::under(fault));
    };
    let (from_shown, to_shown) = (format::number(from), format::number(to));
    let bin = f64::from(cell.series.bin_s.max(1));
    let within = cell.series.capacity.iter().enumerate().filter(|(i, _)| {
        let start = f64::from(u32::try_from(*i).unwrap_or(u32::MAX)) * bin;
        start >= from && start + bin <= to
    });
    let least = within.map(|(_, capacity)| *capacity / bin).min_by(f64::total_cmp);
    let left = match least {
        Some(0.0) => ": payment can do nothing".to_owned(),
        Some(least) if least < cell.capacity_per_s => {
            let (least, all) = (format::number(least), format::number(cell.capacity_per_s));
            format!(": payment can do {least} instead of {all} orders/s")
        }
        _ => String::new(),
    };
    format!("{} (from {from_shown} s to {to_shown} s{left})", words::capital(&words::under(fault)))
}

/// The share of each invariant's violations in words: `812 stuck, 3 double`, or `clean`.
pub(crate) fn ledger_in_short(ledger: &Ledger) -> String {
    let kinds = [
        (ledger.lost, "lost"),
        (ledger.double_charged, "double"),
        (ledger.ghost_charged, "ghost"),
        (ledger.stuck, "stuck"),
        (ledger.duplicate_notified, "notices"),
        (ledger.bounds_exceeded, "bounds"),
    ];
    let found: Vec<String> = kinds
        .iter()
        .filter(|(count, _)| *count > 0)
        .map(|(count, kind)| format!("{} {kind}", format::count(*count)))
        .collect();
    if found.is_empty() { "clean".to_owned() } else { found.join(", ") }
}

/// Recovery in short: `at once`, `1.2 s`, `never`, or nothing without a fault.
pub(crate) fn recovery_in_short(cell: &Cell) -> String {
    match (cell.fault_window_s, cell.recovery_s) {
        (None, _) => format::NOTHING.to_owned(),
        (Some(_), None) if format::never_recovers(cell) => "never".to_owned(),
        (Some(_), None) => "not judged".to_owned(),
        (Some(_), Some(0.0)) => "at once".to_owned(),
        (Some(_), Some(seconds)) => format!("{} s", format::number(seconds)),
    }
}

fn fault_table(grid: &Grid<'_>, fault: &str, width: u16, colour: bool) -> String {
    let scenes = grid.scenes(fault);
    let faulty = scenes.iter().flat_map(|scene| &scene.cells).any(|cell| cell.fault_window_s.is_some());
    let watched = scenes.iter().flat_map(|scene| &scene.cells).any(|cell| cell.alerts_total.is_some());
    let shown: Vec<&(Column, Value)> = COLUMNS
        .iter()
        .enumerate()
        .filter(|(i, _)| match *i {
            RECOVERY => faulty,
            DETECTION => faulty && watched,
            _ => true,
        })
        .map(|(_, column)| column)
        .collect();
    let mut columns = vec![Column::left("load\n", Column::ALWAYS), Column::left("design\n", Column::ALWAYS)];
    columns.extend(shown.iter().map(|(column, _)| *column));
    let mut groups = Vec::new();
    for scene in &scenes {
        let line = |(i, cell): (usize, &&Cell)| {
            let load = if i == 0 { scene.load.clone() } else { String::new() };
            let mut line = vec![Field::plain(load), Field::plain(cell.design.clone())];
            line.extend(shown.iter().map(|(_, value)| value(cell)));
            line
        };
        groups.push(scene.cells.iter().enumerate().map(line).collect());
    }
    render(&columns, &groups, width, colour)
}

fn goodput(cell: &Cell) -> Field {
    let tone = match cell.goodput_ratio {
        Some(ratio) if ratio < 0.5 => Tone::Bad,
        Some(ratio) if ratio < 0.85 => Tone::Mixed,
        _ => Tone::Good,
    };
    let bar = format::bar(cell.goodput_ratio, 6);
    Field::toned(format!("{bar} {:>6}", format::percent(cell.goodput_ratio)), tone)
}

fn share_of(cell: &Cell, part: u64) -> Field {
    Field::plain(format::percent(format::share(part, cell.offered)))
}

fn recovery(cell: &Cell) -> Field {
    let text = recovery_in_short(cell);
    if format::never_recovers(cell) { Field::toned(text, Tone::Bad) } else { Field::plain(text) }
}

fn detection(cell: &Cell) -> Field {
    match (cell.alerts_total, cell.detection_s) {
        (_, Some(seconds)) => Field::plain(format!("{} s", format::number(seconds))),
        (Some(_), None) if cell.fault_window_s.is_some() => Field::toned("never".to_owned(), Tone::Mixed),
        _ => Field::plain(format::NOTHING.to_owned()),
    }
}

fn ledger(cell: &Cell) -> Field {
    let text = ledger_in_short(&cell.ledger);
    if cell.ledger == Ledger::default() { Field::plain(text) } else { Field::toned(text, Tone::Bad) }
}

fn heading(text: &str, colour: bool) -> String {
    if colour { format!("\u{1b}[1m{text}\u{1b}[0m\n") } else { format!("{text}\n") }
}

fn meanings(grid: &Grid<'_>, width: u16) -> String {
    legend(grid).iter().map(|(word, meaning)| paragraph(&format!("  {word:<12}"), meaning, width)).collect()
}

/// One sentence and at most two notes per design and fault; the page tells them all.
fn stories(grid: &Grid<'_>, width: u16) -> String {
    const NOTES: usize = 2;
    let longest = grid.designs.iter().map(|design| design.chars().count()).max().unwrap_or(0);
    let mut text = String::new();
    for fault in &grid.faults {
        let _ = writeln!(text, "  {}", words::capital(&words::under(fault)));
        for design in &grid.designs {
            let story = words::story(grid, design, fault);
            if !story.clauses.is_empty() {
                text.push_str(&paragraph(&format!("    {design:<longest$}  "), &story.text(NOTES), width));
            }
        }
    }
    text
}
