//! The whole result at a glance: goodput of every design under every load, one table per fault.
//!
//! The colours run from dark red over yellow to dark blue, which every kind of colour vision can tell
//! apart; the number is always written as well. Each field leads to its charts.

use evidence::record::Cell;
use maud::{Markup, html};

use super::data::scene_id;
use super::scene::Place;
use crate::format;
use crate::grid::Grid;
use crate::terminal::{ledger_in_short, recovery_in_short};
use crate::words;

/// The matrix with its scale.
pub(super) fn matrix(grid: &Grid<'_>) -> Markup {
    html! {
        h3 { "Goodput as a share of what was possible" }
        div.matrix {
            @for (i, fault) in grid.faults.iter().enumerate() { (table(grid, i, fault)) }
        }
        p.scale aria-hidden="true" {
            "0 % "
            @for step in 0..=10 { span class={ "heat h" (step) } {} }
            " 100 %"
        }
        p.soft { "● marks a field with a problem in the ledger. Each field leads to its charts." }
    }
}

/// The scene in which the designs differ most: it is open when the page opens.
pub(super) fn featured(grid: &Grid<'_>) -> Option<Place> {
    let mut best: Option<(f64, Place)> = None;
    for (fault_index, fault) in grid.faults.iter().enumerate() {
        for (load_index, (load, _)) in grid.loads.iter().enumerate() {
            let cells = grid.designs.iter().filter_map(|design| grid.cell(design, fault, load));
            let goodputs: Vec<f64> = cells.filter_map(|cell| cell.goodput_ratio).collect();
            let least = goodputs.iter().copied().min_by(f64::total_cmp);
            let most = goodputs.iter().copied().max_by(f64::total_cmp);
            let Some((least, most)) = least.zip(most) else { continue };
            if best.is_none_or(|(gap, _)| most - least > gap) {
                best = Some((most - least, Place { fault: fault_index, load: load_index }));
            }
        }
    }
    best.map(|(_, place)| place)
}

fn table(grid: &Grid<'_>, fault_index: usize, fault: &str) -> Markup {
    let first = grid.designs.iter().find_map(|design| grid.across_loads(design, fault).first().copied());
    html! {
        table {
            caption {
                (words::capital(&words::under(fault)))
                @if let Some(cell) = first { " " span { "small: " (beneath(cell).trim_end_matches(':')) } }
            }
            thead {
                tr {
                    th scope="col" { "design" }
                    @for (_, name) in &grid.loads { th scope="col" { (name) } }
                }
            }
            tbody {
                @for (design_index, design) in grid.designs.iter().enumerate() {
                    tr {
                        th scope="row" { (chip(design_index)) (design) }
                        @for (load_index, (load, name)) in grid.loads.iter().enumerate() {
                            @match grid.cell(design, fault, load) {
                                Some(cell) => (field(cell, fault, name, &scene_id(fault_index, load_index))),
                                None => td { (format::NOTHING) },
                            }
                        }
                    }
                }
            }
        }
    }
}

/// A square in the design's colour: the same everywhere.
pub(super) fn chip(design: usize) -> Markup {
    html! { span class={ "chip d" (design % 9) } aria-hidden="true" {} }
}

fn field(cell: &Cell, fault: &str, load: &str, id: &str) -> Markup {
    let goodput = format::percent(cell.goodput_ratio);
    let below = match cell.fault_window_s {
        Some(_) => recovery_in_short(cell),
        None => format::millis(cell.latency_ms.p99),
    };
    let ledger = ledger_in_short(&cell.ledger);
    let label = format!(
        "{} at {load} {}: goodput {goodput}, {} {below}, ledger {ledger}. Go to the charts.",
        cell.design,
        words::under(fault),
        beneath(cell)
    );
    html! {
        td class={ "heat " (heat(cell.goodput_ratio)) } {
            a href={ "#" (id) } aria-label=(label) title=(label) {
                span.goodput { (goodput) @if ledger != "clean" { span.mark { "●" } } }
                span.below { (below) }
            }
        }
    }
}

/// What the small number in a field is.
fn beneath(cell: &Cell) -> &'static str {
    if cell.fault_window_s.is_some() { "back after the fault:" } else { "latency p99:" }
}

/// One of eleven steps.
fn heat(ratio: Option<f64>) -> String {
    const STEPS: u32 = 10;
    let Some(ratio) = ratio else { return "none".to_owned() };
    let step = (0..=STEPS).rev().find(|step| ratio + 0.05 >= f64::from(*step) / f64::from(STEPS));
    format!("h{}", step.unwrap_or(0))
}
