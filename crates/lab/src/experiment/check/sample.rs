//! Which cells an expectation is held against, and their numbers.
//!
//! A sample is what gives one verdict: one cell, or with a mean the cells of all seeds; and for each
//! comparison the cells on its other side, seed by seed.

use std::collections::{BTreeMap, BTreeSet};

use evidence::{
    metric::{self, Found},
    record::{Cell, Record},
};

use crate::experiment::{Comparison, Expectation, OverSeeds};

/// The cells of one verdict, by their index in the record. At least one.
#[derive(Debug, PartialEq)]
pub(super) struct Sample {
    /// Those that the expectation speaks of.
    pub(super) cells: Vec<usize>,
    /// The other side of each comparison, in the order of the expectation's.
    pub(super) others: Vec<Vec<usize>>,
}

impl Sample {
    /// The first cell, at which the verdict stands.
    pub(super) fn first(&self) -> usize {
        self.cells[0]
    }

    /// All cells that the verdict needs.
    pub(super) fn all(&self) -> impl Iterator<Item = usize> {
        self.cells.iter().chain(self.others.iter().flatten()).copied()
    }
}

/// What the expectation is held against; a cell whose other side was not run is not among it.
pub(super) fn samples(expectation: &Expectation, record: &Record) -> Vec<Sample> {
    if expectation.world.is_some_and(|world| world.as_str() != record.world) {
        return Vec::new();
    }
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (index, cell) in record.cells.iter().enumerate().filter(|(_, cell)| expectation.speaks_of(cell)) {
        let scene = |cell: &Cell| (cell.design.clone(), cell.fault.clone(), cell.load.clone());
        let is_ours = |group: &&mut Vec<usize>| scene(&record.cells[group[0]]) == scene(cell);
        match groups.iter_mut().find(is_ours) {
            Some(group) if expectation.over_seeds == OverSeeds::Mean => group.push(index),
            _ => groups.push(vec![index]),
        }
    }
    let complete = |cells: Vec<usize>| {
        let other = |comparison| cells.iter().map(|&cell| other_cell(comparison, cell, record)).collect();
        let others = expectation.comparisons.iter().map(other).collect::<Option<_>>()?;
        Some(Sample { cells, others })
    };
    groups.into_iter().filter_map(complete).collect()
}

/// The cell on the other side of a comparison: the same but for what the comparison says.
fn other_cell(comparison: &Comparison, cell: usize, record: &Record) -> Option<usize> {
    let this = &record.cells[cell];
    let design = comparison.design.as_ref().unwrap_or(&this.design);
    let fault = comparison.fault.as_ref().unwrap_or(&this.fault);
    record.cells.iter().position(|other| {
        (&other.design, &other.fault, other.seed, &other.load) == (design, fault, this.seed, &this.load)
    })
}

/// The metrics that expectations speak of, of every cell.
pub(super) struct Numbers<'a> {
    cells: Vec<BTreeMap<&'a str, Found>>,
}

impl<'a> Numbers<'a> {
    pub(super) fn of(record: &Record, expectations: &'a [Expectation]) -> Self {
        let own = expectations.iter().map(|expectation| expectation.metric.as_str());
        let others = expectations.iter().flat_map(|expectation| &expectation.comparisons);
        let others = others.filter_map(|comparison| comparison.metric.as_deref());
        let metrics: BTreeSet<_> = own.chain(others).collect();
        let numbers = |cell: &Cell| {
            // One cell at a time: as JSON, a record of many seeds would fill the memory.
            let json = serde_json::to_value(cell).expect("a cell has text keys only");
            metrics.iter().map(|metric| (*metric, metric::find(&json, metric))).collect()
        };
        Self { cells: record.cells.iter().map(numbers).collect() }
    }

    /// A metric of the cells: their mean, which of one cell is its own value. Null in one is null in the mean,
    /// because leaving out the runs that never recovered would make the rest look good.
    pub(super) fn value(&self, cells: &[usize], metric: &str) -> Found {
        let mut sum = 0.0;
        for &cell in cells {
            match self.cells[cell].get(metric).cloned().unwrap_or(Found::Missing) {
                Found::Value(Some(value)) => sum += value,
                other => return other,
            }
        }
        if let [_one] = cells {
            return Found::Value(Some(sum));
        }
        Found::Value(Some((sum / cells.len() as f64 * 1e6).round() / 1e6))
    }
}
