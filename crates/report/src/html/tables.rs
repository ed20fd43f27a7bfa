//! The tables of the page: a scene's numbers, the ledger, the spread over seeds, and the expectations.

use evidence::Verdict;
use evidence::record::{Cell, Record};
use maud::{Markup, html};

use super::data::scene_id;
use super::matrix::chip;
use crate::format;
use crate::grid::Grid;
use crate::terminal::{finding, legend, recovery_in_short, spread_lines};
use crate::words::{self, violations};

/// A row of a scene's numbers.
type Row = (&'static str, fn(&Cell) -> String);

#[rustfmt::skip]
const ROWS: [Row; 21] = [
    ("asked for", |cell| format::count(cell.offered)),
    ("succeeded", |cell| part(cell, cell.succeeded)),
    ("declined", |cell| part(cell, cell.declined)),
    ("refused", |cell| part(cell, cell.rejected)),
    ("failed", |cell| part(cell, cell.failed)),
    ("timed out", |cell| part(cell, cell.timed_out)),
    ("goodput of possible", |cell| format::percent(cell.goodput_ratio)),
    ("goodput", |cell| format!("{}/s", format::number(cell.goodput_per_s))),
    ("throughput", |cell| format!("{}/s", format::number(cell.throughput_per_s))),
    ("latency p50", |cell| format::millis(cell.latency_ms.p50)),
    ("latency p99", |cell| format::millis(cell.latency_ms.p99)),
    ("latency at most", |cell| format::millis(cell.latency_ms.max)),
    ("payment calls per order", |cell| cell.attempts_per_order.map_or_else(nothing, |calls| format!("{calls:.2}"))),
    ("wasted payments", |cell| format::count(cell.wasted_payments)),
    ("in flight at most", |cell| format::count(cell.in_flight_max)),
    ("longest queue", |cell| format::count(cell.queue_depth_max)),
    ("gauges with a bound", bounds),
    ("back after the fault", recovery_in_short),
    ("detected after", |cell| cell.detection_s.map_or_else(nothing, |seconds| format!("{} s", format::number(seconds)))),
    ("alerts", |cell| cell.alerts_total.map_or_else(nothing, format::count)),
    ("ledger", |cell| crate::terminal::ledger_in_short(&cell.ledger)),
];

/// The numbers of a scene, the designs side by side.
pub(super) fn numbers(cells: &[(usize, &Cell)]) -> Markup {
    html! {
        div.wide {
            table.numbers {
                caption { "In numbers" }
                thead {
                    tr {
                        td {}
                        @for (design, cell) in cells { th scope="col" { (chip(*design)) (cell.design) } }
                    }
                }
                tbody {
                    @for (name, value) in ROWS {
                        tr { th scope="row" { (name) } @for (_, cell) in cells { td { (value(cell)) } } }
                    }
                }
            }
        }
    }
}

/// Violations by fault and design, over all loads and seeds.
pub(super) fn ledger(grid: &Grid<'_>) -> Markup {
    let rows = grid.faults.iter().flat_map(|fault| grid.designs.iter().map(move |design| (fault, design)));
    html! {
        section #ledger aria-labelledby="ledger-title" {
            h2 #ledger-title { "Ledger" }
            p {
                "What the books of all sides show at the end of the runs, over all loads"
                @if grid.seeds.len() > 1 { " and seeds" }
                ". Only violations are counted: all zero is good."
            }
            div.wide {
                table.numbers {
                    thead {
                        tr {
                            th scope="col" { "fault" } th scope="col" { "design" }
                            @for (_, _, many) in violations(&Default::default()) { th scope="col" { (many) } }
                        }
                    }
                    tbody {
                        @for (fault, design) in rows {
                            tr {
                                th scope="row" { (fault) } th scope="row" { (design) }
                                @for count in words::violations_of(&grid.all_cells(Some((design, fault)))) {
                                    td class=(if count == 0 { "zero" } else { "problem" }) { (format::count(count)) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Least, middle and greatest values over the seeds, when there are several.
pub(super) fn spread(record: &Record, grid: &Grid<'_>) -> Markup {
    if grid.seeds.len() < 2 {
        return html! {};
    }
    let (heads, lines) = spread_lines(record, grid);
    html! {
        section #spread aria-labelledby="spread-title" {
            h2 #spread-title { "Spread over " (grid.seeds.len()) " seeds" }
            p {
                "Least – middle – greatest. The ledger and the expectations are of all seeds, too; the rest of this "
                "page shows seed " (grid.seeds[0]) "."
            }
            div.wide {
                table.numbers.spread {
                    thead { tr { @for head in heads { th scope="col" { (head) } } } }
                    tbody { @for line in lines { tr { @for field in line { td { (field) } } } } }
                }
            }
        }
    }
}

/// How many expectations hold, in one line.
pub(super) fn verdict_line(verdicts: &[Verdict]) -> Markup {
    let failed = verdicts.iter().filter(|verdict| !verdict.passed).count();
    html! {
        @if !verdicts.is_empty() {
            @if failed == 0 {
                p.verdict.good { "✓ All " (verdicts.len()) " expectations hold. " a href="#expectations" { "Which?" } }
            } @else {
                p.verdict.bad {
                    "✗ " (failed) " of " (verdicts.len()) " expectations failed. " a href="#expectations" { "Which?" }
                }
            }
        }
    }
}

/// All expectations, the failed ones first.
pub(super) fn expectations(record: &Record, grid: &Grid<'_>, verdicts: &[Verdict]) -> Markup {
    let mut sorted: Vec<&Verdict> = verdicts.iter().collect();
    sorted.sort_by_key(|verdict| verdict.passed);
    html! {
        @if !verdicts.is_empty() {
            section #expectations aria-labelledby="expectations-title" {
                h2 #expectations-title { "Expectations" }
                div.wide {
                    table.expectations {
                        thead {
                            tr {
                                th scope="col" { "holds" } th scope="col" { "lesson" } th scope="col" { "where" }
                                th scope="col" { "found" }
                            }
                        }
                        tbody { @for verdict in sorted { (expectation(record, grid, verdict)) } }
                    }
                }
            }
        }
    }
}

fn expectation(record: &Record, grid: &Grid<'_>, verdict: &Verdict) -> Markup {
    let cell = record.cells.get(verdict.cell);
    html! {
        tr class=(if verdict.passed { "held" } else { "failed" }) {
            td { (if verdict.passed { "✓ yes" } else { "✗ no" }) }
            td { (verdict.lesson) }
            td { @if let Some(cell) = cell { (place(grid, cell)) } }
            td {
                (finding(verdict))
                @if !verdict.passed { br; code { (verdict.replay) } }
            }
        }
    }
}

/// A cell's name, leading to its charts.
fn place(grid: &Grid<'_>, cell: &Cell) -> Markup {
    let fault = grid.faults.iter().position(|fault| *fault == cell.fault);
    let load = grid.loads.iter().position(|(load, _)| **load == cell.load);
    let seed = if grid.seeds.len() > 1 { format!(", seed {}", cell.seed) } else { String::new() };
    let text =
        format!("{}, {} at {}{seed}", cell.design, words::under(&cell.fault), grid.load_name(&cell.load));
    html! {
        @match fault.zip(load) {
            Some((fault, load)) => { a href={ "#" (scene_id(fault, load)) } { (text) } }
            None => (text),
        }
    }
}

/// What the words of the report mean.
pub(super) fn meanings(grid: &Grid<'_>) -> Markup {
    html! {
        h3 { "What the words mean" }
        dl { @for (word, meaning) in legend(grid) { dt { (word) } dd { (meaning) } } }
    }
}

fn part(cell: &Cell, count: u64) -> String {
    format!("{} ({})", format::count(count), format::percent(format::share(count, cell.offered)))
}

/// `order-api in flight 64 of 64`, for every gauge that has a bound.
fn bounds(cell: &Cell) -> String {
    let mut found = Vec::new();
    for (name, service) in &cell.services {
        for (gauge, bound) in &service.bounds {
            let most = service.max.get(&format!("{gauge}_max")).copied();
            let most = most.map_or_else(|| "not reported".to_owned(), format::count);
            let (gauge, bound) = (gauge.replace('_', " "), format::count(*bound));
            found.push(format!("{name} {gauge}: {most} of {bound}"));
        }
    }
    if found.is_empty() { nothing() } else { found.join("; ") }
}

fn nothing() -> String {
    format::NOTHING.to_owned()
}
