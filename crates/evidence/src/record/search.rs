//! The least number of workers that meets a goal, found by trying.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::metric::{Found, find};

/// A search, and what it found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Search {
    /// What is looked for, in words.
    pub title: String,
    /// The design whose workers are counted.
    pub design: String,
    /// Under which load, by its name.
    pub load: String,
    /// The least that was tried, and the most.
    pub between: [u32; 2],
    /// What has to hold.
    pub goals: Vec<Goal>,
    /// The least number of workers with which all of it holds; null when the most is not enough.
    pub needed: Option<u32>,
    /// What was tried, by the number of workers.
    pub trials: Vec<Trial>,
}

/// Something that has to hold of a cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Goal {
    /// The metric, as its path in a cell.
    pub metric: String,
    /// No more than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_most: Option<f64>,
    /// No less than that.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at_least: Option<f64>,
}

impl Goal {
    /// What a cell has to say to it. Nothing where it has no such number.
    #[must_use]
    pub fn value(&self, cell: &serde_json::Value) -> Option<f64> {
        match find(cell, &self.metric) {
            Found::Value(value) => value,
            Found::Text(_) | Found::NotANumber | Found::Missing => None,
        }
    }

    /// Whether a value is what has to be. What is not defined is not.
    #[must_use]
    pub fn is_met_by(&self, value: Option<f64>) -> bool {
        value.is_some_and(|value| {
            self.at_most.is_none_or(|most| value <= most) && self.at_least.is_none_or(|least| value >= least)
        })
    }
}

/// One number of workers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Trial {
    /// How many.
    pub workers: u32,
    /// What became of each goal's metric.
    pub values: Vec<Option<f64>>,
    /// Whether all goals were met.
    pub is_met: bool,
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_goal_is_met_within_its_bounds_and_never_by_nothing() {
        let goal =
            Goal { metric: "async.completion_ms.p99".to_owned(), at_most: Some(60.0), at_least: Some(1.0) };
        let cell = |p99| json!({ "async": { "completion_ms": { "p99": p99 } } });
        let met = |cell: &serde_json::Value| goal.is_met_by(goal.value(cell));
        assert!(met(&cell(Some(60.0))) && met(&cell(Some(1.0))));
        assert!(!met(&cell(Some(60.1))) && !met(&cell(Some(0.9))) && !met(&cell(None)) && !met(&json!({})));
    }
}
