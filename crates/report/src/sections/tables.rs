//! Tables of chosen metrics, and one metric as a matrix.

use super::metric::{text, title};
use super::numbers::Number;
use super::{Entry, Sheet, Source};
use crate::words::Tone;

/// A line for each design, grouped by load and fault.
pub(super) fn table(source: &Source<'_>) -> Sheet {
    let metrics = &source.section.metrics;
    let several = source.loads().len() * source.faults().len() > 1;
    let mut heads = if several { vec!["load".to_owned()] } else { Vec::new() };
    heads.push("design".to_owned());
    heads.extend(metrics.iter().map(|metric| title(metric)));
    let mut groups = Vec::new();
    for fault in source.faults() {
        for (load, name) in source.loads() {
            let record = source.grid.loads[load].0;
            let mut group: Vec<Vec<Entry>> = Vec::new();
            for design in source.designs() {
                let number = |metric: &String| source.numbers.mean(design, fault, record, metric);
                let numbers: Vec<Number> = metrics.iter().map(number).collect();
                if numbers.iter().all(|number| *number == Number::Absent) {
                    continue;
                }
                let place = if group.is_empty() { source.place(fault, name) } else { String::new() };
                let mut line = if several { vec![Entry::plain(place)] } else { Vec::new() };
                line.push(Entry::plain(design));
                line.extend(metrics.iter().zip(&numbers).map(|(metric, number)| entry(metric, number)));
                group.push(line);
            }
            groups.push(group);
        }
    }
    source.sheet(heads, groups)
}

/// Designs by loads, a group for each fault.
pub(super) fn matrix(source: &Source<'_>) -> Sheet {
    let metric = source.section.metrics.first().map_or("", String::as_str);
    let faults = source.faults();
    let mut heads = vec![title(metric)];
    heads.extend(source.loads().into_iter().map(|(_, name)| name.to_owned()));
    let group = |fault: &&str| {
        let line = |design: &str| {
            let name = match faults.len() {
                1 => design.to_owned(),
                _ => format!("{design}, {}", crate::words::under(fault)),
            };
            let loads = source.loads().into_iter();
            let numbers: Vec<Number> = loads
                .map(|(load, _)| source.numbers.mean(design, fault, source.grid.loads[load].0, metric))
                .collect();
            let is_there = numbers.iter().any(|number| *number != Number::Absent);
            let entries = numbers.iter().map(|number| entry(metric, number));
            is_there.then(|| [Entry::plain(name)].into_iter().chain(entries).collect())
        };
        source.designs().into_iter().filter_map(line).collect()
    };
    let groups = faults.iter().map(group).collect();
    source.sheet(heads, groups)
}

/// Goodput and the ledger are good or bad by themselves; of other metrics only people know.
fn entry(metric: &str, number: &Number) -> Entry {
    let text = text(metric, number);
    let tone = match number.value() {
        Some(value) if metric.ends_with("goodput_ratio") && value < 0.5 => Some(Tone::Bad),
        Some(value) if metric.ends_with("goodput_ratio") && value < 0.85 => Some(Tone::Mixed),
        Some(value) if metric.starts_with("ledger.") && value > 0.0 => Some(Tone::Bad),
        _ => None,
    };
    Entry { text, tone }
}
