//! Two records side by side: what changed, by how much, and whether that is better or worse.
//!
//! Cells pair by design, fault, load and seed. When each record has one design and the two differ, they
//! pair across the designs: that is how two designs are compared. So they do across the seeds, which shows
//! how much is chance. Whatever has no counterpart is listed and never silently dropped. A change of less
//! than 1 % is noise and called the same.

mod metrics;
#[cfg(test)]
mod tests;
mod text;

use evidence::record::{Cell, LoadRecord, Record};
use serde::Serialize;

/// Two records, paired cell by cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// What the first record is called, for example its file.
    pub a: String,
    /// What the second record is called.
    pub b: String,
    /// The two designs, when the records have one each and they differ.
    pub across_designs: Option<[String; 2]>,
    /// The two seeds, when the records have one each and they differ.
    pub across_seeds: Option<[u64; 2]>,
    /// The cells that both have, in the order of the first.
    pub pairs: Vec<Pair>,
    /// Cells that only the first has.
    pub only_in_a: Vec<CellName>,
    /// Cells that only the second has.
    pub only_in_b: Vec<CellName>,
}

/// One cell in both records.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Pair {
    /// The cell, by the first record's design.
    pub cell: CellName,
    /// Every metric, changed or not.
    pub changes: Vec<Change>,
}

/// What identifies a cell.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct CellName {
    /// The design.
    pub design: String,
    /// The fault.
    pub fault: String,
    /// The load.
    pub load: LoadRecord,
    /// The seed.
    pub seed: u64,
}

/// One metric in both cells.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Change {
    /// The metric by its path in the record.
    pub metric: &'static str,
    /// The first record's value; null when it is not defined there.
    pub a: Option<f64>,
    /// The second record's value.
    pub b: Option<f64>,
    /// `b − a`; null when one of them is.
    pub change: Option<f64>,
    /// What the change means.
    pub trend: Trend,
}

/// What a change means.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Trend {
    /// Equal, or within 1 % of it.
    Same,
    /// The second is better.
    Better,
    /// The second is worse.
    Worse,
    /// Changed, but neither better nor worse by itself, or defined on one side only.
    Different,
}

/// Pairs the cells of two records; `names` is what to call them.
#[must_use]
pub fn compare(a: &Record, b: &Record, names: [&str; 2]) -> Comparison {
    let across_designs = across(a, b, |cell| cell.design.clone());
    let across_seeds = across(a, b, |cell| cell.seed);
    let pairs_with = |x: &Cell, y: &Cell| {
        (across_designs.is_some() || x.design == y.design)
            && (across_seeds.is_some() || x.seed == y.seed)
            && (&x.fault, &x.load) == (&y.fault, &y.load)
    };
    let mut partners: Vec<&Cell> = b.cells.iter().collect();
    let (mut pairs, mut only_in_a) = (Vec::new(), Vec::new());
    for cell in &a.cells {
        match partners.iter().position(|other| pairs_with(cell, other)) {
            Some(place) => {
                let changes = metrics::changes(cell, partners.remove(place));
                pairs.push(Pair { cell: CellName::of(cell), changes });
            }
            None => only_in_a.push(CellName::of(cell)),
        }
    }
    let only_in_b = partners.into_iter().map(CellName::of).collect();
    let [a, b] = names.map(str::to_owned);
    Comparison { a, b, across_designs, across_seeds, pairs, only_in_a, only_in_b }
}

impl CellName {
    fn of(cell: &Cell) -> Self {
        Self {
            design: cell.design.clone(),
            fault: cell.fault.clone(),
            load: cell.load.clone(),
            seed: cell.seed,
        }
    }
}

/// The cell of another record that was asked the same of the same design.
pub(crate) fn partner<'a>(cell: &Cell, other: &'a Record) -> Option<&'a Cell> {
    let same = |b: &&Cell| {
        (&cell.design, &cell.fault, &cell.load, cell.seed) == (&b.design, &b.fault, &b.load, b.seed)
    };
    other.cells.iter().find(same)
}

/// The two designs or seeds, when each record has exactly one and they differ.
fn across<T: PartialEq>(a: &Record, b: &Record, of: impl Fn(&Cell) -> T) -> Option<[T; 2]> {
    let only = |record: &Record| {
        let first = of(record.cells.first()?);
        record.cells.iter().all(|cell| of(cell) == first).then_some(first)
    };
    let (a, b) = (only(a)?, only(b)?);
    (a != b).then_some([a, b])
}
