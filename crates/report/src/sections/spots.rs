//! What sections of response times, capacity and money speak of: a design under a load and a fault, over all seeds.

use evidence::record::Cell;

use super::Source;
use crate::format;

/// The runs of one design under one load and one fault.
pub(super) struct Spot<'a> {
    /// What tells it from the others of the section.
    pub(super) label: String,
    pub(super) design: &'a str,
    pub(super) fault: &'a str,
    /// A run for each seed; at least one.
    pub(super) runs: Vec<&'a Cell>,
}

impl<'a> Source<'a> {
    /// Everything that the section speaks of and that was run.
    pub(super) fn spots(&self) -> Vec<Spot<'a>> {
        let mut spots = Vec::new();
        for fault in self.faults() {
            for design in self.designs() {
                for (load, name) in self.loads() {
                    let record = self.grid.loads[load].0;
                    let mut runs = self.grid.all_cells(Some((design, fault)));
                    runs.retain(|cell| cell.load == *record);
                    if !runs.is_empty() {
                        spots.push(Spot { label: self.label(design, fault, name), design, fault, runs });
                    }
                }
            }
        }
        spots
    }

    fn label(&self, design: &str, fault: &str, load: &str) -> String {
        let place = self.place(fault, load);
        if self.designs().len() > 1 { format!("{design}, {place}") } else { place }
    }
}

impl Spot<'_> {
    /// Whether an answer with success says that an order is accepted, and not that it is paid.
    pub(super) fn is_accepted_first(&self) -> bool {
        self.runs.iter().any(|run| run.background.is_some())
    }

    /// The mean over the runs; null in one is null.
    #[expect(clippy::cast_precision_loss, reason = "a handful of seeds")]
    pub(super) fn mean(&self, value: impl Fn(&Cell) -> Option<f64>) -> Option<f64> {
        let sum: Option<f64> = self.runs.iter().map(|run| value(run)).sum();
        sum.map(|sum| sum / self.runs.len() as f64)
    }

    /// The mean of a count.
    #[expect(clippy::cast_precision_loss, reason = "counts of orders stay far below 2^52")]
    pub(super) fn count(&self, value: impl Fn(&Cell) -> u64) -> f64 {
        self.mean(|run| Some(value(run) as f64)).unwrap_or_default()
    }

    /// The least and the greatest over the runs.
    pub(super) fn range(&self, value: impl Fn(&Cell) -> Option<f64>) -> Option<(f64, f64)> {
        let values = self.runs.iter().filter_map(|run| value(run));
        values.fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((least, most)) => Some((least.min(value), most.max(value))),
        })
    }
}

/// A count, or the mean of some: one decimal is more than chance leaves certain.
pub(super) fn amount(value: f64) -> String {
    let tenths = (value * 10.0).round() / 10.0;
    if tenths.fract() != 0.0 {
        return format::number(tenths);
    }
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count in range")]
    format::count(tenths.clamp(0.0, 1e15) as u64)
}

/// Dollars, whole ones: cents of an estimate say nothing.
pub(super) fn dollars(value: f64) -> String {
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "money in range")]
    let whole = value.round().clamp(0.0, 1e18) as u64;
    format!("${}", format::count(whole))
}

/// The price of one order, which may have cents.
pub(super) fn price(value: f64) -> String {
    if value.fract() == 0.0 { dollars(value) } else { format!("${value:.2}") }
}
