//! What a report shows of an experiment beside the tables that every report has. Part of the record, so that a
//! report can be made of the record alone.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One section of a report. Which keys it takes depends on its kind.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Section {
    /// What is shown.
    pub kind: SectionKind,
    /// Its heading.
    pub title: String,
    /// What to look at, in words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub text: String,
    /// The metrics of a `table` (any number), or of a `matrix` (one), each as its path in a cell.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub metrics: Vec<String>,
    /// Of which designs; all unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub designs: Vec<String>,
    /// Of which loads, by their names; all unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub loads: Vec<String>,
    /// Of which faults; all unless said.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<String>,
    /// For `ablation`: the design that has everything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
}

/// What a section shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SectionKind {
    /// Chosen metrics, a line for each design under each load and fault.
    Table,
    /// One metric: designs by loads, for each fault.
    Matrix,
    /// Goodput of each step of a load in steps, on the way up and on the way down, with the verdict on metastability.
    Hysteresis,
    /// Latency against throughput against errors.
    Frontier,
    /// For each design, which of the reference design's qualities is lost under which fault.
    Ablation,
}
