//! Numbers that were expected, beside what was found: over several seeds the mean, and how far chance moves it.

use super::metric::text;
use super::numbers::Number;
use super::{Entry, Sheet, Source};
use crate::format;

/// A line for each expected number under each load that it speaks of.
pub(super) fn sheet(source: &Source<'_>) -> Sheet {
    let heads = ["", "expected", "found", "over the seeds", "difference"];
    let mut groups = Vec::new();
    for fault in source.faults() {
        for design in source.designs() {
            for (load, name) in source.loads() {
                let meant = source
                    .section
                    .expected
                    .iter()
                    .filter(|expected| expected.load.as_deref().is_none_or(|wanted| wanted == name));
                let record = source.grid.loads[load].0;
                let line = |expected: &evidence::record::Expected| {
                    let metric = expected.metric.as_str();
                    let found = source.numbers.mean(design, fault, record, metric);
                    let place = source.place(fault, name);
                    (found != Number::Absent).then(|| {
                        let number = |value: f64| text(metric, &Number::Value(Some(value)));
                        let range = source.numbers.range(design, fault, record, metric);
                        let range = range.filter(|(least, most)| least < most);
                        vec![
                            Entry::plain(format!("{place}: {}", expected.what)),
                            Entry::plain(number(expected.value)),
                            Entry::plain(text(metric, &found)),
                            Entry::plain(range.map_or(format::NOTHING.to_owned(), |(least, most)| {
                                format!("{} to {}", number(least), number(most))
                            })),
                            Entry::plain(difference(expected.value, found.value())),
                        ]
                    })
                };
                groups.push(meant.filter_map(line).collect());
            }
        }
    }
    source.sheet(heads.map(str::to_owned).into(), groups)
}

/// By how much what was found is above or below what was expected, as a share of that.
fn difference(expected: f64, found: Option<f64>) -> String {
    match found {
        Some(found) if expected != 0.0 => match ((found - expected) / expected.abs() * 100.0).round() {
            0.0 => "0 %".to_owned(),
            percent => format!("{percent:+} %"),
        },
        _ => format::NOTHING.to_owned(),
    }
}
