//! The few sentences at the top of a report: where the designs differ most, who does not come back, and
//! whether the ledger is clean.

use evidence::record::{Cell, Ledger};

use super::sentence;
use crate::format;
use crate::grid::Grid;

/// One sentence per finding: one per fault, one per fault that some design does not survive, one on the ledger.
///
/// The ledger is that of every run; with several seeds all other sentences are of the first one, and say so.
pub(crate) fn headline(grid: &Grid<'_>) -> Vec<String> {
    let gaps = grid.faults.iter().filter_map(|fault| gap(grid, fault));
    let lasting = grid.faults.iter().filter_map(|fault| never_back(grid, fault));
    let seed = match grid.seeds.as_slice() {
        [first, _, ..] => format!("seed {first} (the first of {}): ", grid.seeds.len()),
        _ => String::new(),
    };
    let found = gaps.chain(lasting).map(|text| format!("{seed}{text}"));
    found.chain([ledger(grid)]).map(|text| sentence(&text)).collect()
}

/// `without a fault`, `under brownout`.
pub(crate) fn under(fault: &str) -> String {
    if fault == "none" { "without a fault".to_owned() } else { format!("under {fault}") }
}

/// Each invariant's violations: how many, and what to call one or many of them.
pub(crate) fn violations(ledger: &Ledger) -> [(u64, &'static str, &'static str); 6] {
    [
        (ledger.lost, "lost order", "lost orders"),
        (ledger.double_charged, "double charge", "double charges"),
        (ledger.ghost_charged, "ghost charge", "ghost charges"),
        (ledger.stuck, "stuck order", "stuck orders"),
        (ledger.duplicate_notified, "duplicate notice", "duplicate notices"),
        (ledger.bounds_exceeded, "exceeded bound", "exceeded bounds"),
    ]
}

/// The violations of several cells together, in the order of [`violations`].
pub(crate) fn violations_of(cells: &[&Cell]) -> [u64; 6] {
    let mut total = [0; 6];
    for cell in cells {
        for (sum, (count, ..)) in total.iter_mut().zip(violations(&cell.ledger)) {
            *sum += count;
        }
    }
    total
}

/// The load at which the designs' goodput differs most.
fn gap(grid: &Grid<'_>, fault: &str) -> Option<String> {
    const NOTABLE: f64 = 0.1;
    fn ends<'a>(cells: &[&'a Cell]) -> Option<[(&'a Cell, f64); 2]> {
        let known: Vec<_> = cells.iter().filter_map(|cell| Some((*cell, cell.goodput_ratio?))).collect();
        let least = known.iter().min_by(|a, b| a.1.total_cmp(&b.1))?;
        let most = known.iter().max_by(|a, b| a.1.total_cmp(&b.1))?;
        Some([*least, *most])
    }
    let scenes = grid.scenes(fault);
    let widest = scenes.iter().filter_map(|scene| Some((&scene.load, ends(&scene.cells)?)));
    let (load, [(worst, least), (best, most)]) =
        widest.max_by(|(_, [a, b]), (_, [c, d])| (b.1 - a.1).total_cmp(&(d.1 - c.1)))?;
    let is_accepted_first = best.background.is_some();
    let accepted = format::percent(best.success_ratio);
    let (worst, best) = (&worst.design, &best.design);
    let (under, least_shown, most_shown) =
        (under(fault), format::percent(Some(least)), format::percent(Some(most)));
    if grid.designs.len() < 2 {
        return Some(format!(
            "{under} {worst} does worst at {load}: goodput is {least_shown} of what was possible"
        ));
    }
    if most - least < NOTABLE {
        let goodput = match least_shown == most_shown {
            true => most_shown,
            false => format!("{least_shown} to {most_shown}"),
        };
        return Some(format!(
            "{under} the designs do about the same: goodput is {goodput} of what was possible"
        ));
    }
    let best_does = if is_accepted_first {
        format!("{best} accepts {accepted} of its orders first and does them afterwards")
    } else {
        format!("{best} does {most_shown}")
    };
    Some(format!(
        "{under} the designs differ most at {load}: {worst} does {least_shown} of what is possible in time, {best_does}"
    ))
}

fn never_back(grid: &Grid<'_>, fault: &str) -> Option<String> {
    let mut designs = Vec::new();
    for design in &grid.designs {
        let cells = grid.across_loads(design, fault);
        let lost = |cell: &&&Cell| format::never_recovers(cell) && cell.offered > 0;
        let loads: Vec<String> = cells.iter().filter(lost).map(|cell| grid.load_name(&cell.load)).collect();
        match loads.len() {
            0 => {}
            all if all == cells.len() && all > 1 => designs.push(format!("{design} at every load")),
            _ => designs.push(format!("{design} at {}", format::list(&loads))),
        }
    }
    (!designs.is_empty()).then(|| format!("after {fault} service does not come back: {}", designs.join("; ")))
}

fn ledger(grid: &Grid<'_>) -> String {
    let found: Vec<String> = violations(&Ledger::default())
        .into_iter()
        .zip(violations_of(&grid.all_cells(None)))
        .filter(|(_, count)| *count > 0)
        .map(|((_, one, many), count)| format::counted(count, one, many))
        .collect();
    if found.is_empty() {
        return "the ledger is clean in every run: nothing lost, charged twice, charged in vain, stuck or told twice"
            .to_owned();
    }
    format!("the ledger of all runs counts {}", format::list(&found))
}
