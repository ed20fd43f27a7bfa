//! The numbers behind the charts as JSON, each once, cut off where nothing more happens.

use std::collections::BTreeMap;

use evidence::record::{AlertRecord, Cell, Series};
use serde::Serialize;

use crate::format;
use crate::grid::Grid;

#[derive(Serialize)]
struct Data<'a> {
    designs: &'a [&'a str],
    slo_ms: f64,
    scenes: BTreeMap<String, Scene<'a>>,
}

#[derive(Serialize)]
struct Scene<'a> {
    window: Option<[f64; 2]>,
    load_s: f64,
    until_s: f64,
    capacity_per_s: f64,
    cells: Vec<Lines<'a>>,
}

/// The series of one cell; all arrays end where the scene ends.
#[derive(Serialize)]
struct Lines<'a> {
    design: usize,
    bin_s: u32,
    offered: &'a [u64],
    goodput: &'a [u64],
    throughput: &'a [u64],
    capacity: &'a [f64],
    p50: &'a [Option<f64>],
    p99: &'a [Option<f64>],
    in_flight: &'a [u64],
    queue: &'a [u64],
    backlog: &'a [u64],
    workers: Vec<u64>,
    errors: BTreeMap<&'a str, &'a [u64]>,
    alerts: Vec<Mark<'a>>,
}

/// An alert on the time axis.
#[derive(Serialize)]
struct Mark<'a> {
    at_s: f64,
    name: &'a str,
    about: &'a str,
    service: &'a str,
}

/// The id of a scene in the page and in the data.
pub(super) fn scene_id(fault: usize, load: usize) -> String {
    format!("scene-{fault}-{load}")
}

/// All scenes as JSON that is safe inside a script element.
pub(super) fn json(grid: &Grid<'_>) -> String {
    let mut scenes = BTreeMap::new();
    for (i, fault) in grid.faults.iter().enumerate() {
        for (j, (load, _)) in grid.loads.iter().enumerate() {
            let cells: Vec<(usize, &Cell)> = (0..grid.designs.len())
                .filter_map(|design| Some((design, grid.cell(grid.designs[design], fault, load)?)))
                .collect();
            if let Some(scene) = Scene::of(&cells) {
                scenes.insert(scene_id(i, j), scene);
            }
        }
    }
    let data = Data { designs: &grid.designs, slo_ms: grid.slo_s * 1e3, scenes };
    let text = serde_json::to_string(&data).expect("all keys are text, and memory takes every write");
    // "</script>" inside a design's name must not end the element.
    text.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026")
}

impl<'a> Scene<'a> {
    fn of(cells: &[(usize, &'a Cell)]) -> Option<Self> {
        let (_, first) = cells.first()?;
        let load_s = format::load_duration_s(&first.load);
        let until_s = cells.iter().map(|(_, cell)| active_s(&cell.series)).fold(load_s, f64::max);
        Some(Self {
            window: first.fault_window_s,
            load_s,
            until_s,
            capacity_per_s: first.capacity_per_s,
            cells: cells.iter().map(|(design, cell)| Lines::of(*design, cell, until_s)).collect(),
        })
    }
}

impl<'a> Lines<'a> {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "seconds of a run")]
    fn of(design: usize, cell: &'a Cell, until_s: f64) -> Self {
        let series = &cell.series;
        let bins = (until_s / f64::from(series.bin_s.max(1))).ceil() as usize;
        Self {
            design,
            bin_s: series.bin_s.max(1),
            offered: cut(&series.offered, bins),
            goodput: cut(&series.goodput, bins),
            throughput: cut(&series.throughput, bins),
            capacity: cut(&series.capacity, bins),
            p50: cut(&series.p50_ms, bins),
            p99: cut(&series.p99_ms, bins),
            in_flight: cut(&series.in_flight, bins),
            queue: cut(&series.queue_depth, bins),
            backlog: cut(&series.backlog, bins),
            workers: workers(series, bins),
            errors: series.errors.iter().map(|(kind, counts)| (kind.as_str(), cut(counts, bins))).collect(),
            alerts: cell.alerts.iter().filter(|alert| alert.at_s <= until_s).map(Mark::of).collect(),
        }
    }
}

impl<'a> Mark<'a> {
    fn of(alert: &'a AlertRecord) -> Self {
        Self { at_s: alert.at_s, name: &alert.name, about: &alert.about, service: &alert.service }
    }
}

/// Workers of all order-processors together; nothing where nobody counts them.
fn workers(series: &Series, bins: usize) -> Vec<u64> {
    let replicas = series.services.iter().filter(|(name, _)| name.starts_with("order-processor"));
    let each: Vec<&[u64]> =
        replicas.filter_map(|(_, gauges)| Some(cut(gauges.get("workers")?, bins))).collect();
    let longest = each.iter().map(|counts| counts.len()).max().unwrap_or(0);
    (0..longest).map(|bin| each.iter().filter_map(|counts| counts.get(bin)).sum()).collect()
}

fn cut<T>(bins: &[T], many: usize) -> &[T] {
    &bins[..many.min(bins.len())]
}

/// Seconds until the last answer, or until the last order that was accepted first is done: what hangs for ever after it is
/// told in words.
#[expect(clippy::cast_precision_loss, reason = "seconds of a run")]
fn active_s(series: &Series) -> f64 {
    let last = |bins: &Vec<u64>| bins.iter().rposition(|count| *count > 0).map_or(0, |last| last + 1);
    let answers = series.errors.values().chain([&series.throughput, &series.offered, &series.backlog]);
    answers.map(last).max().unwrap_or(0) as f64 * f64::from(series.bin_s.max(1))
}
