//! The same cells over several seeds: a lesson that holds for one seed may be luck.

use evidence::record::Record;
use evidence::spread::{Range, Spread};

use super::{Column, Field, WIDTH, render};
use crate::format;
use crate::grid::Grid;

const COLUMNS: [Column; 8] = [
    Column::left("fault\n", Column::ALWAYS),
    Column::left("load\n", Column::ALWAYS),
    Column::left("design\n", Column::ALWAYS),
    Column::right("goodput\nof possible", 9),
    Column::right("success\n", 5),
    Column::right("latency\np99", 7),
    Column::right("back\nafter", 8),
    Column::right("ledger\nproblems", 6),
];

/// Least, middle and greatest value over the record's seeds, one line per design, load and fault.
#[must_use]
pub fn spread(record: &Record, width: Option<u16>, colour: bool) -> String {
    let grid = Grid::new(record);
    let (_, lines) = spread_lines(record, &grid);
    let lines: Vec<Vec<Field>> =
        lines.into_iter().map(|line| line.into_iter().map(Field::plain).collect()).collect();
    let groups: Vec<Vec<Vec<Field>>> =
        lines.chunk_by(|a, b| a[..2] == b[..2]).map(<[Vec<Field>]>::to_vec).collect();
    let seeds = format::counted(grid.seeds.len() as u64, "seed", "seeds");
    let table = render(&COLUMNS, &groups, width.unwrap_or(WIDTH), colour);
    format!("Least – middle – greatest over {seeds}\n{table}")
}

/// The headings, and the fields of each line: by fault, then by load, then by design.
pub(crate) fn spread_lines(record: &Record, grid: &Grid<'_>) -> ([String; 8], Vec<Vec<String>>) {
    let spreads = evidence::spread(&record.cells);
    let mut lines = Vec::new();
    for fault in &grid.faults {
        for (load, name) in &grid.loads {
            let here = spreads.iter().filter(|spread| spread.fault == **fault && spread.load == **load);
            lines.extend(here.map(|spread| line(spread, name)));
        }
    }
    (COLUMNS.map(|column| column.title()), lines)
}

fn line(spread: &Spread, load: &str) -> Vec<String> {
    let metric = |name: &str| spread.metrics.get(name).copied().unwrap_or_default();
    vec![
        spread.fault.clone(),
        load.to_owned(),
        spread.design.clone(),
        three(metric("goodput_ratio"), |value| format::percent(Some(value))),
        three(metric("success_ratio"), |value| format::percent(Some(value))),
        three(metric("latency_ms.p99"), |value| format::millis(Some(value))),
        recovery(metric("recovery_s"), spread.fault == "none"),
        ledger(spread),
    ]
}

/// `least – middle – greatest`, or one value where all are equal.
fn three(range: Range, show: impl Fn(f64) -> String) -> String {
    let values: Vec<String> = [range.min, range.median, range.max].into_iter().flatten().map(show).collect();
    match values.as_slice() {
        [] => format::NOTHING.to_owned(),
        [least, _, greatest] if least == greatest => least.clone(),
        values => values.join(" – "),
    }
}

/// Seeds that never recovered have no value, and are the finding.
fn recovery(range: Range, no_fault: bool) -> String {
    if no_fault {
        return format::NOTHING.to_owned();
    }
    let seconds = three(range, |value| format!("{} s", format::number(value)));
    match (range.undefined, range.max) {
        (0, _) => seconds,
        (_, None) => "never".to_owned(),
        (never, Some(_)) => format!("{seconds}, {never} × never"),
    }
}

/// The kinds of problems that any seed had, each with its greatest count.
fn ledger(spread: &Spread) -> String {
    let problems = spread.metrics.iter().filter_map(|(metric, range)| {
        let kind = metric.strip_prefix("ledger.")?;
        let most = range.max.filter(|most| *most > 0.0)?;
        Some(format!("≤ {} {}", format::number(most), kind.replace('_', " ")))
    });
    let problems: Vec<String> = problems.collect();
    if problems.is_empty() { "clean".to_owned() } else { problems.join(", ") }
}
