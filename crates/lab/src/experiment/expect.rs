//! Expectations: what must come out of which cells, next to the lesson that it proves.

mod bound;
mod file;

use evidence::record::{Cell, LoadRecord};
use schemars::JsonSchema;
use serde::Deserialize;

pub use bound::{Bound, Comparison, Side};
pub(super) use file::ExpectFile;

/// One expectation, bound to an experiment that has cells for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What it proves, in words.
    pub lesson: String,
    /// Of which world it speaks; all when `None`.
    pub world: Option<WorldName>,
    /// Of which designs it speaks; all when `None`.
    pub designs: Option<Vec<String>>,
    /// Of which constant rates it speaks; all when `None`.
    pub rates: Option<Vec<f64>>,
    /// Of which loads it speaks, by name; all when `None`.
    pub loads: Option<Vec<String>>,
    /// Of which faults it speaks; all when `None`.
    pub faults: Option<Vec<String>>,
    /// The metric, as its path in a cell.
    pub metric: String,
    /// What the metric must be. All of it.
    pub bounds: Vec<Bound>,
    /// What the metric must be when it is a word.
    pub word: Option<String>,
    /// What it must be against other cells. All of it; of bounds, comparisons and word there is at least one.
    pub comparisons: Vec<Comparison>,
    /// What it means to have been run with several seeds.
    pub over_seeds: OverSeeds,
}

/// Where an experiment can happen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WorldName {
    /// Simulated.
    Sim,
    /// Real processes of this machine.
    Local,
}

impl WorldName {
    /// As it stands in records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Sim => evidence::SIM,
            Self::Local => evidence::LOCAL,
        }
    }
}

/// What an expectation means when an experiment is run with several seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum OverSeeds {
    /// It holds for every seed.
    #[default]
    Each,
    /// It holds for the mean of the seeds: of the metric, and of what it is compared with.
    Mean,
}

impl Expectation {
    /// Whether it speaks of this cell.
    #[must_use]
    pub fn speaks_of(&self, cell: &Cell) -> bool {
        let rate = match cell.load {
            LoadRecord::Constant { rate_per_s, .. } => Some(rate_per_s),
            _ => None,
        };
        self.designs.as_ref().is_none_or(|designs| designs.contains(&cell.design))
            && self.faults.as_ref().is_none_or(|faults| faults.contains(&cell.fault))
            && self
                .loads
                .as_ref()
                .is_none_or(|loads| cell.load_name.as_ref().is_some_and(|name| loads.contains(name)))
            && self.rates.as_ref().is_none_or(|rates| rate.is_some_and(|rate| rates.contains(&rate)))
    }

    /// All of its bounds and comparisons, in words.
    #[must_use]
    pub fn expected(&self) -> String {
        let bounds = self.bounds.iter().map(Bound::to_string);
        let comparisons = self.comparisons.iter().map(Comparison::to_string);
        let all: Vec<_> = bounds.chain(comparisons).chain(self.word.clone()).collect();
        let mean = if self.over_seeds == OverSeeds::Mean { " as the mean over the seeds" } else { "" };
        format!("{}{mean}", all.join(" and "))
    }
}
