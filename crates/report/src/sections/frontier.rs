//! The frontier: what a design pays in latency and in refusals for what it gets done.

use serde::Serialize;

use super::{Drawing, Entry, Sheet, Source};
use crate::format;
use crate::words::Tone;

/// One design's points, a load each.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Points {
    pub(crate) design: String,
    /// Its place among the report's designs: its colour.
    pub(crate) index: usize,
    /// What each point is of.
    pub(crate) place: Vec<String>,
    /// Goodput per second.
    pub(crate) goodput: Vec<f64>,
    /// 99th percentile of successes, in ms.
    pub(crate) p99_ms: Vec<Option<f64>>,
    /// The share of orders that were not answered with success or decline.
    pub(crate) errors: Vec<f64>,
}

/// A line for each design, grouped by load and fault.
pub(super) fn sheet(source: &Source<'_>) -> Sheet {
    let heads = ["load", "design", "goodput", "throughput", "p50", "p99", "refused", "failed, timed out"];
    let mut groups = Vec::new();
    let mut all: Vec<Points> = Vec::new();
    for fault in source.faults() {
        for (load, name) in source.loads() {
            let mut group: Vec<Vec<Entry>> = Vec::new();
            for design in source.designs() {
                let mean = |metric: &str| {
                    source.numbers.mean(design, fault, source.grid.loads[load].0, metric).value()
                };
                let (Some(offered), Some(goodput)) = (mean("offered"), mean("goodput_per_s")) else {
                    continue;
                };
                let place = source.place(fault, name);
                let share = |count: Option<f64>| count.unwrap_or(0.0) / offered.max(1.0);
                let refused = share(mean("rejected"));
                let failed = share(mean("failed")) + share(mean("timed_out"));
                let p99 = mean("latency_ms.p99");
                let per_s = |value: f64| Entry::plain(format!("{}/s", format::number(value.round())));
                let broken =
                    Entry { text: format::percent(Some(failed)), tone: (failed > 0.01).then_some(Tone::Bad) };
                group.push(vec![
                    Entry::plain(if group.is_empty() { place.clone() } else { String::new() }),
                    Entry::plain(design),
                    per_s(goodput),
                    per_s(mean("throughput_per_s").unwrap_or(0.0)),
                    Entry::plain(format::millis(mean("latency_ms.p50"))),
                    Entry::plain(format::millis(p99)),
                    Entry::plain(format::percent(Some(refused))),
                    broken,
                ]);
                let points = points_of(&mut all, design, source);
                points.place.push(place);
                points.goodput.push(goodput);
                points.p99_ms.push(p99);
                points.errors.push(refused + failed);
            }
            groups.push(group);
        }
    }
    let mut sheet = source.sheet(heads.map(str::to_owned).into(), groups);
    sheet.drawing = (!all.is_empty()).then_some(Drawing::Frontier(all));
    sheet
}

fn points_of<'p>(all: &'p mut Vec<Points>, design: &str, source: &Source<'_>) -> &'p mut Points {
    let at = all.iter().position(|points| points.design == design).unwrap_or_else(|| {
        all.push(Points {
            design: design.to_owned(),
            index: source.grid.designs.iter().position(|name| *name == design).unwrap_or(0),
            place: vec![],
            goodput: vec![],
            p99_ms: vec![],
            errors: vec![],
        });
        all.len() - 1
    });
    &mut all[at]
}
