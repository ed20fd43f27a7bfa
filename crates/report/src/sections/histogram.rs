//! Histograms: requests by how long they took, failures included, or by how they ended. Over several seeds each bin is
//! a mean.

use evidence::record::{Cell, HistogramOf, Responses};
use serde::Serialize;

use super::spots::{Spot, amount};
use super::{Drawing, Entry, Sheet, Source};
use crate::format;

/// Stacked bars under one heading.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Bars {
    pub(crate) title: String,
    /// What stands under each bar.
    pub(crate) labels: Vec<String>,
    /// What is stacked, from the bottom up.
    pub(crate) stacks: Vec<Stack>,
}

/// One outcome's part of every bar.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Stack {
    /// Its key in the record.
    pub(crate) key: &'static str,
    /// What people call it.
    pub(crate) name: &'static str,
    pub(crate) counts: Vec<f64>,
}

/// An outcome: its key in the record, what people call it, and its count in a cell.
type Ending = (&'static str, &'static str, fn(&Cell) -> u64);

const ENDINGS: [Ending; 5] = [
    ("succeeded", "answered with success", |cell| cell.succeeded),
    ("declined", "declined", |cell| cell.declined),
    ("rejected", "refused", |cell| cell.rejected),
    ("failed", "failed", |cell| cell.failed),
    ("timed_out", "timed out", |cell| cell.timed_out),
];

/// The most characters of a bar in a terminal.
const BAR_MAX: f64 = 24.0;

pub(super) fn sheet(source: &Source<'_>) -> Sheet {
    match source.section.of.unwrap_or_default() {
        HistogramOf::ResponseTime => response_times(source),
        HistogramOf::Outcomes => outcomes(source),
    }
}

/// A line for each load: how many ended in which way.
fn outcomes(source: &Source<'_>) -> Sheet {
    let spots = source.spots();
    let mut heads = vec![String::new(), "asked for".to_owned()];
    heads.extend(ENDINGS.map(|(_, name, _)| name.to_owned()));
    heads.push("of all".to_owned());
    let line = |spot: &Spot<'_>| {
        let offered = spot.count(|cell| cell.offered);
        let part = |(_, _, count): Ending| {
            let count = spot.count(count);
            let share = if offered > 0.0 { Some(count / offered) } else { None };
            Entry::plain(format!("{} ({})", amount(count), format::percent(share)))
        };
        let parts = ENDINGS.map(part);
        let bar = bar(spot.count(|cell| cell.succeeded), offered, offered);
        [Entry::plain(spot.label.clone()), Entry::plain(amount(offered))]
            .into_iter()
            .chain(parts)
            .chain([Entry::plain(bar)])
            .collect()
    };
    let lines = spots.iter().map(line).collect();
    let stack = |(key, name, count): Ending| Stack {
        key,
        name,
        counts: spots.iter().map(|spot| spot.count(count)).collect(),
    };
    let labels = spots.iter().map(|spot| spot.label.clone()).collect();
    let bars = Bars { title: String::new(), labels, stacks: used(ENDINGS.map(stack).into()) };
    let mut sheet = source.sheet(heads, vec![lines]);
    sheet.folded = true;
    sheet.drawing = (!bars.labels.is_empty()).then(|| Drawing::Bars(vec![bars]));
    sheet
}

/// A line for each bin, a column for each load.
fn response_times(source: &Source<'_>) -> Sheet {
    let spots: Vec<_> = source.spots().into_iter().filter(|spot| spot.runs[0].responses.is_some()).collect();
    let all: Vec<Bars> = spots.iter().map(of_spot).collect();
    let bins = all.iter().map(|bars| bars.labels.len()).max().unwrap_or(0);
    let heads = ["response time".to_owned()].into_iter().chain(all.iter().map(|bars| bars.title.clone()));
    let most = all.iter().flat_map(|bars| (0..bars.labels.len()).map(|bin| height(bars, bin)));
    let most = most.fold(0.0, f64::max);
    let label = |bin: usize| all.iter().find_map(|bars| bars.labels.get(bin)).cloned().unwrap_or_default();
    let line = |bin: usize| {
        let field = |bars: &Bars| {
            let (total, good) = (height(bars, bin), succeeded(bars, bin));
            if total == 0.0 {
                return Entry::plain("");
            }
            Entry::plain(format!("{} {}", amount(total), bar(good, total, most)))
        };
        [Entry::plain(label(bin))].into_iter().chain(all.iter().map(field)).collect()
    };
    let lines: Vec<Vec<Entry>> = (0..bins).map(line).collect();
    let mut sheet = source.sheet(heads.collect(), vec![lines]);
    sheet.findings = spots.iter().map(percentiles).collect();
    sheet.folded = true;
    sheet.drawing = (!all.is_empty()).then_some(Drawing::Bars(all));
    sheet
}

fn of_spot(spot: &Spot<'_>) -> Bars {
    let responses = || spot.runs.iter().filter_map(|run| run.responses.as_ref());
    let bin_ms = responses().next().map_or(1.0, |responses| responses.bin_ms);
    let bins =
        responses().flat_map(|responses| responses.histogram.values().map(Vec::len)).max().unwrap_or(0);
    let stack = |(key, name, _): Ending| Stack {
        key,
        name,
        counts: (0..bins).map(|bin| mean_in(spot, key, bin)).collect(),
    };
    #[expect(clippy::cast_precision_loss, reason = "a hundred bins")]
    let edge = |bin: usize| format::number(bin as f64 * bin_ms / 1e3);
    let labels = (0..bins).map(|bin| format!("{} to {} s", edge(bin), edge(bin + 1))).collect();
    Bars { title: spot.label.clone(), labels, stacks: used(ENDINGS.map(stack).into()) }
}

fn mean_in(spot: &Spot<'_>, outcome: &str, bin: usize) -> f64 {
    let count = |responses: &Responses| {
        responses.histogram.get(outcome).and_then(|bins| bins.get(bin)).copied().unwrap_or(0)
    };
    spot.count(|run| run.responses.as_ref().map_or(0, count))
}

/// Without those that never happened, so that no legend speaks of them.
fn used(stacks: Vec<Stack>) -> Vec<Stack> {
    stacks.into_iter().filter(|stack| stack.counts.iter().any(|count| *count > 0.0)).collect()
}

fn height(bars: &Bars, bin: usize) -> f64 {
    bars.stacks.iter().filter_map(|stack| stack.counts.get(bin)).sum()
}

fn succeeded(bars: &Bars, bin: usize) -> f64 {
    let stack = bars.stacks.iter().find(|stack| stack.key == "succeeded");
    stack.and_then(|stack| stack.counts.get(bin)).copied().unwrap_or(0.0)
}

/// Successes full, all others light.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a handful of characters")]
fn bar(good: f64, total: f64, most: f64) -> String {
    let long = |count: f64| if most > 0.0 { (count / most * BAR_MAX).round() as usize } else { 0 };
    let all = long(total).max(usize::from(total > 0.0));
    let full = long(good).min(all);
    format!("{}{}", "█".repeat(full), "░".repeat(all - full))
}

/// All requests in percentiles, and how many of them were still open when the load was over.
fn percentiles(spot: &Spot<'_>) -> String {
    let of = |value: fn(&Responses) -> Option<f64>| {
        format::millis(spot.mean(|run| run.responses.as_ref().and_then(value)))
    };
    format!(
        "{}: mean {}, p50 {}, p90 {}, p95 {}, p99 {}, at most {}, of all requests with failures included.",
        spot.label,
        of(|responses| responses.all.time_ms.mean),
        of(|responses| responses.all.time_ms.p50),
        of(|responses| responses.all.time_ms.p90),
        of(|responses| responses.all.time_ms.p95),
        of(|responses| responses.all.time_ms.p99),
        of(|responses| responses.all.time_ms.max),
    )
}
