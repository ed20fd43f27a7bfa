//! Real cells beside the same cells simulated: what the simulation promises, and what the processes kept.
//!
//! Cells pair by design, fault, load and seed. A deviation is of the real value from the simulated one; where it is
//! larger than what runs of one design differ by anyway, it is marked. Not every deviation is a defect: what this
//! machine cannot do, or the simulation does not model, shows here and nowhere else.

use evidence::record::{Background, Cell, ProcessRecord, Record};

use crate::compare::partner;
use crate::format;
use crate::grid::Grid;
use crate::sections::{Entry, Sheet};
use crate::terminal::{ledger_in_short, recovery_in_short};
use crate::words::{self, Tone};

/// A deviation of goodput beyond this is marked.
const GOODPUT_OFF_MAX: f64 = 0.05;
/// A deviation of latency beyond this is marked.
const LATENCY_OFF_MAX: f64 = 0.10;
/// Latencies that differ by less are the same: so much a loopback is quicker than a link, and a busy machine slower.
const LATENCY_SAME_MS: f64 = 10.0;

/// Every real cell beside its simulated one; `None` when there is no pair.
pub(crate) fn sheet(real: &Record, simulated: &Record) -> Option<Sheet> {
    let grid = Grid::new(real);
    let groups = paired(&grid, real, simulated, |cell, other| {
        Some(vec![
            pair(other.goodput_per_s, cell.goodput_per_s, GOODPUT_OFF_MAX, per_second),
            latency(other.latency_ms.p50, cell.latency_ms.p50),
            latency(other.latency_ms.p99, cell.latency_ms.p99),
            share(other, cell, |cell| cell.rejected),
            share(other, cell, |cell| cell.failed + cell.timed_out),
            words_of(recovery_in_short(other), recovery_in_short(cell)),
            words_of(ledger_in_short(&other.ledger), ledger_in_short(&cell.ledger)),
            Entry::plain(format::count(cell.late_sends + cell.dropped_sends)),
        ])
    });
    let heads = [
        "cell",
        "goodput",
        "p50",
        "p99",
        "refused",
        "failed, timed out",
        "back after",
        "ledger",
        "late sends",
    ];
    let text = format!(
        "Each cell as it was simulated → as the processes of this machine did it, with how far that is off; latencies \
         less than {LATENCY_SAME_MS} ms apart count as the same. Late sends are the load generator's own: where there are \
         many, the numbers tell of it."
    );
    let within = format!("{:.0} % of the simulated goodput", GOODPUT_OFF_MAX * 100.0);
    side_by_side("Simulated against real", text, &heads, groups, (1, &within))
}

/// What became of accepted orders, simulated and real; `None` where every order is answered when it is done.
pub(crate) fn done(real: &Record, simulated: &Record) -> Option<Sheet> {
    let grid = Grid::new(real);
    let groups = paired(&grid, real, simulated, |cell, other| {
        let (now, before) = (cell.background.as_ref()?, other.background.as_ref()?);
        let seconds = |background: &Background| background.last_done_s.map(|seconds| seconds * 1e3);
        let count = |of: fn(&Background) -> u64| words_of(format::count(of(before)), format::count(of(now)));
        Some(vec![
            latency(before.completion_ms.p50, now.completion_ms.p50),
            latency(before.completion_ms.p99, now.completion_ms.p99),
            latency(seconds(before), seconds(now)),
            count(|background| background.backlog_max),
            count(|background| background.accepted),
            count(|background| background.completed + background.declined + background.failed),
            count(|background| background.notified),
            count(|background| background.dead_letters),
        ])
    });
    let heads = [
        "cell",
        "done p50",
        "done p99",
        "last done after",
        "backlog at most",
        "accepted",
        "done",
        "told",
        "put aside",
    ];
    let text = "The same cells, and what became of the orders after they were accepted: simulated → real.";
    let within = format!("{:.0} % of the simulated time in which 99 % are done", LATENCY_OFF_MAX * 100.0);
    let title = "Accepted first: simulated against real";
    side_by_side(title, text.to_owned(), &heads, groups, (2, &within))
}

/// Pairs of cells in a sheet, which says how many are good in a column, and what that means; `None` without a pair.
fn side_by_side(
    title: &str,
    text: String,
    heads: &[&str],
    groups: Vec<Vec<Vec<Entry>>>,
    (column, within): (usize, &str),
) -> Option<Sheet> {
    let judged = groups.iter().flatten().count() as u64;
    let good = groups.iter().flatten().filter(|line| line[column].tone == Some(Tone::Good)).count();
    let cells = format::counted(judged, "cell is", "cells are");
    (judged > 0).then(|| Sheet {
        title: title.to_owned(),
        text,
        heads: heads.iter().map(|head| (*head).to_owned()).collect(),
        groups,
        findings: vec![format!("{good} of {cells} within {within}.")],
        ..Sheet::default()
    })
}

/// A line for each real cell that has a simulated partner, named, by fault; none where there is nothing to say.
fn paired(
    grid: &Grid<'_>,
    real: &Record,
    simulated: &Record,
    fields: impl Fn(&Cell, &Cell) -> Option<Vec<Entry>>,
) -> Vec<Vec<Vec<Entry>>> {
    let line = |cell: &Cell| {
        let fields = fields(cell, partner(cell, simulated)?)?;
        Some(std::iter::once(Entry::plain(name(grid, cell))).chain(fields).collect())
    };
    let group =
        |fault: &&str| real.cells.iter().filter(|cell| cell.fault == **fault).filter_map(line).collect();
    grid.faults.iter().map(group).filter(|group: &Vec<_>| !group.is_empty()).collect()
}

/// What the processes of real cells used; `None` where they were simulated.
pub(crate) fn processes(record: &Record) -> Option<Sheet> {
    let grid = Grid::new(record);
    let mut names: Vec<&str> = Vec::new();
    for name in record.cells.iter().flat_map(|cell| cell.processes.keys()) {
        if !names.contains(&name.as_str()) {
            names.push(name);
        }
    }
    if names.is_empty() {
        return None;
    }
    let line = |cell: &Cell| {
        let used =
            names.iter().map(|name| Entry::plain(cell.processes.get(*name).map_or_else(String::new, used)));
        std::iter::once(Entry::plain(name(&grid, cell))).chain(used).collect()
    };
    let mut heads = vec!["cell".to_owned()];
    heads.extend(names.iter().map(|name| (*name).to_owned()));
    Some(Sheet {
        title: "What the processes used".to_owned(),
        text: "Processors busy while the load lasted, the most resident memory, the most open descriptors; and for long \
               loads how the last minute compares with the first after two minutes of warming up."
            .to_owned(),
        heads,
        groups: vec![record.cells.iter().map(line).collect()],
        findings: record.warnings.iter().map(|warning| format!("Said before the run: {warning}.")).collect(),
        drawing: None,
        ..Sheet::default()
    })
}

fn used(process: &ProcessRecord) -> String {
    let cores = process.cpu_cores.map_or_else(|| format::NOTHING.to_owned(), |cores| format!("{cores:.2}"));
    let mib = process.resident_bytes_max / 1024 / 1024;
    let mut text = format!("{cores} cores, {mib} MiB, {} open", format::count(process.descriptors_max));
    if let Some((memory, open)) = process.resident_growth.zip(process.descriptors_growth) {
        text.push_str(&format!(" (×{memory:.2}, ×{open:.2})"));
    }
    text
}

fn name(grid: &Grid<'_>, cell: &Cell) -> String {
    let load = grid.loads.iter().find(|(load, _)| **load == cell.load).map_or("", |(_, name)| name.as_str());
    let seed = if grid.seeds.len() > 1 { format!(", seed {}", cell.seed) } else { String::new() };
    format!("{}, {load}, {}{seed}", cell.design, words::under(&cell.fault))
}

/// Both values with the deviation, marked when it is beyond the limit.
fn pair(simulated: f64, real: f64, off_max: f64, show: impl Fn(f64) -> String) -> Entry {
    let (a, b) = (show(simulated), show(real));
    if simulated == 0.0 {
        let tone = if real == 0.0 { Tone::Good } else { Tone::Mixed };
        return Entry { text: format!("{a} → {b}"), tone: Some(tone) };
    }
    let off = real / simulated - 1.0;
    let sign = if off < 0.0 { '−' } else { '+' };
    // Ten times as much and more is easier to take in as such.
    let off_shown = match off >= 9.0 {
        true => format!("×{:.0}", real / simulated),
        false => format!("{sign}{:.1} %", off.abs() * 100.0),
    };
    let tone = if off.abs() <= off_max { Tone::Good } else { Tone::Mixed };
    Entry { text: format!("{a} → {b} ({off_shown})"), tone: Some(tone) }
}

fn latency(simulated: Option<f64>, real: Option<f64>) -> Entry {
    match (simulated, real) {
        (Some(simulated), Some(real)) if (simulated - real).abs() < LATENCY_SAME_MS => {
            let [a, b] = [simulated, real].map(|ms| format::millis(Some(ms)));
            Entry { tone: Some(Tone::Good), ..words_of(a, b) }
        }
        (Some(simulated), Some(real)) => {
            pair(simulated, real, LATENCY_OFF_MAX, |ms| format::millis(Some(ms)))
        }
        _ => Entry::plain(format!("{} → {}", format::millis(simulated), format::millis(real))),
    }
}

fn share(simulated: &Cell, real: &Cell, of: impl Fn(&Cell) -> u64) -> Entry {
    let [a, b] = [simulated, real].map(|cell| format::percent(format::share(of(cell), cell.offered)));
    Entry::plain(if a == b { a } else { format!("{a} → {b}") })
}

fn words_of(simulated: String, real: String) -> Entry {
    if simulated == real { Entry::plain(real) } else { Entry::plain(format!("{simulated} → {real}")) }
}

fn per_second(value: f64) -> String {
    format!("{}/s", format::number((value * 10.0).round() / 10.0))
}

#[cfg(test)]
mod tests {
    use evidence::record::LatencyMs;

    use super::*;
    use crate::sample;

    #[test]
    fn a_deviation_is_told_with_its_sign_and_marked_beyond_its_limit() {
        let per_cent = |simulated, real| pair(simulated, real, 0.05, per_second);
        assert_eq!(
            per_cent(150.0, 147.0),
            Entry { text: "150/s → 147/s (−2.0 %)".to_owned(), tone: Some(Tone::Good) }
        );
        assert_eq!(per_cent(150.0, 165.0).tone, Some(Tone::Mixed));
        assert_eq!(per_cent(0.0, 0.0).tone, Some(Tone::Good), "nothing is as little as nothing");
        assert_eq!(per_cent(0.0, 3.0).text, "0/s → 3/s");
        assert_eq!(per_cent(4.0, 428.0).text, "4/s → 428/s (×107)");
    }

    #[test]
    fn cells_pair_and_what_was_not_simulated_is_left_out() {
        let mut real =
            sample::record(vec![sample::cell("v0.1.0", "none", 50.0), sample::cell("v0.2.0", "none", 50.0)]);
        let simulated = sample::record(vec![sample::cell("v0.2.0", "none", 50.0)]);
        let pairs = sheet(&real, &simulated).expect("a pair");
        assert_eq!(pairs.groups.iter().map(Vec::len).collect::<Vec<_>>(), [1]);
        assert!(pairs.groups[0][0][0].text.starts_with("v0.2.0"), "{pairs:?}");
        assert_eq!(pairs.findings, ["1 of 1 cell is within 5 % of the simulated goodput."]);
        real.cells.truncate(1);
        assert_eq!(sheet(&real, &simulated), None);
        assert_eq!(processes(&real), None, "nothing real was measured");
    }

    #[test]
    fn latencies_that_differ_by_what_a_link_takes_are_the_same() {
        let same = latency(Some(3.0), Some(0.5));
        assert_eq!(same, Entry { text: "3.0 ms → 0.5 ms".to_owned(), tone: Some(Tone::Good) });
        assert_eq!(latency(Some(3.0), Some(13.0)).tone, Some(Tone::Mixed));
        assert_eq!(latency(Some(300.0), Some(320.0)).tone, Some(Tone::Good));
    }

    #[test]
    fn what_became_of_accepted_orders_stands_beside_what_was_simulated() {
        let with = |p99, accepted, dead_letters| {
            let completion_ms = LatencyMs { p99: Some(p99), ..LatencyMs::default() };
            let background =
                Background { accepted, completed: 80, completion_ms, dead_letters, ..Background::default() };
            sample::record(vec![Cell { background: Some(background), ..sample::cell("a", "none", 50.0) }])
        };
        let sheet = done(&with(700.0, 100, 2), &with(500.0, 100, 0)).expect("a pair");
        let line: Vec<_> = sheet.groups[0][0].iter().map(|entry| entry.text.as_str()).collect();
        assert_eq!(line[2], "500 ms → 700 ms (+40.0 %)");
        assert_eq!(line[5..], ["100", "80", "0", "0 → 2"]);
        assert_eq!(
            sheet.findings,
            ["0 of 1 cell is within 10 % of the simulated time in which 99 % are done."]
        );
        let answered = sample::record(vec![sample::cell("a", "none", 50.0)]);
        assert_eq!(done(&answered, &answered), None, "every order is answered when it is done");
    }

    #[test]
    fn growth_is_told_where_the_load_was_long_enough() {
        let process = ProcessRecord {
            cpu_cores: Some(0.256),
            resident_bytes_max: 30 * 1024 * 1024,
            descriptors_max: 1_234,
            resident_growth: Some(1.023),
            descriptors_growth: Some(1.0),
            ..ProcessRecord::default()
        };
        assert_eq!(used(&process), "0.26 cores, 30 MiB, 1,234 open (×1.02, ×1.00)");
    }
}
