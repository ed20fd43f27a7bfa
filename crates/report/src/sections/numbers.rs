//! The metrics of cells by their paths, as means over the seeds.

use evidence::metric::{Found, find};
use evidence::record::{Cell, LoadRecord, Record, Series};
use serde_json::Value;

/// Every cell of a record as JSON, without its series where no section speaks of one.
pub(super) struct Numbers {
    cells: Vec<(Key, Value)>,
}

/// What tells cells apart, but for their seed.
#[derive(Clone, Debug, PartialEq)]
struct Key {
    design: String,
    fault: String,
    load: LoadRecord,
}

/// A metric of a cell.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Number {
    /// A number, or null.
    Value(Option<f64>),
    /// A word; several where seeds differ.
    Words(Vec<String>),
    /// The cell was not run, or has no such metric.
    Absent,
}

impl Number {
    /// The number, if it is one.
    pub(super) const fn value(&self) -> Option<f64> {
        match self {
            Self::Value(value) => *value,
            Self::Words(_) | Self::Absent => None,
        }
    }
}

impl Numbers {
    pub(super) fn of(record: &Record) -> Self {
        let mut metrics = record.sections.iter().flat_map(|section| &section.metrics);
        let has_series = metrics.any(|metric| metric.starts_with("series."));
        let cell = |cell: &Cell| {
            let key = Key { design: cell.design.clone(), fault: cell.fault.clone(), load: cell.load.clone() };
            let series = if has_series { cell.series.clone() } else { Series::default() };
            let slim = Cell { series, ..cell.clone() };
            (key, serde_json::to_value(slim).expect("a cell has text keys only"))
        };
        Self { cells: record.cells.iter().map(cell).collect() }
    }

    /// The least and the greatest value of a metric over the seeds that have one.
    pub(super) fn range(
        &self,
        design: &str,
        fault: &str,
        load: &LoadRecord,
        metric: &str,
    ) -> Option<(f64, f64)> {
        let here = self
            .cells
            .iter()
            .filter(|(key, _)| key.design == design && key.fault == fault && key.load == *load);
        let values = here.filter_map(|(_, cell)| match find(cell, metric) {
            Found::Value(value) => value,
            Found::Text(_) | Found::NotANumber | Found::Missing => None,
        });
        values.fold(None, |range, value| match range {
            None => Some((value, value)),
            Some((least, most)) => Some((least.min(value), most.max(value))),
        })
    }

    /// The mean of a metric over the seeds; null in one of them is null.
    pub(super) fn mean(&self, design: &str, fault: &str, load: &LoadRecord, metric: &str) -> Number {
        let here = self
            .cells
            .iter()
            .filter(|(key, _)| key.design == design && key.fault == fault && key.load == *load);
        let mut words: Vec<String> = Vec::new();
        let mut values: Vec<Option<f64>> = Vec::new();
        for (_, cell) in here {
            match find(cell, metric) {
                Found::Value(value) => values.push(value),
                Found::Text(word) if words.contains(&word) => {}
                Found::Text(word) => words.push(word),
                Found::NotANumber | Found::Missing => return Number::Absent,
            }
        }
        if !words.is_empty() {
            return Number::Words(words);
        }
        if values.is_empty() {
            return Number::Absent;
        }
        let sum: Option<f64> = values.iter().copied().sum();
        #[expect(clippy::cast_precision_loss, reason = "a handful of seeds")]
        Number::Value(sum.map(|sum| sum / values.len() as f64))
    }
}
