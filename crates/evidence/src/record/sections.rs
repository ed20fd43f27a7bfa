//! What a report shows of an experiment beside the tables that every report has. Part of the record, so that a
//! report can be made of the record alone.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::business::Terms;

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
    /// For `histogram`: of what; of response times unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub of: Option<HistogramOf>,
    /// For `business`: what an order is worth on average; 50 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order_value: Option<OrderValue>,
    /// For `business`: how many sales there are in a year; 48 unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sales_per_year: Option<NonZeroU32>,
    /// For `expected`: the numbers that were expected, a line each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub expected: Vec<Expected>,
}

impl Section {
    /// What is known of the business, with what is not said at its default.
    #[must_use]
    pub fn terms(&self) -> Terms {
        Terms {
            order_value: self.order_value.unwrap_or_default().get(),
            sales_per_year: self.sales_per_year.map_or(SALES_PER_YEAR_DEFAULT, NonZeroU32::get),
        }
    }
}

/// How many sales there are in a year unless said: one in most weeks.
const SALES_PER_YEAR_DEFAULT: u32 = 48;

/// What an order is worth, in dollars: more than nothing; 50 by default.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "f64", into = "f64")]
pub struct OrderValue(#[schemars(range(min = 0.01, max = 1_000_000.0))] f64);

impl OrderValue {
    /// The value.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

impl Default for OrderValue {
    fn default() -> Self {
        Self(50.0)
    }
}

impl TryFrom<f64> for OrderValue {
    type Error = String;

    fn try_from(value: f64) -> Result<Self, String> {
        if (0.01..=1e6).contains(&value) {
            Ok(Self(value))
        } else {
            Err(format!("an order is worth between 0.01 and 1000000 dollars, not {value}"))
        }
    }
}

impl From<OrderValue> for f64 {
    fn from(value: OrderValue) -> Self {
        value.0
    }
}

/// What a `histogram` counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum HistogramOf {
    /// Requests by how long they took, failures included.
    #[default]
    ResponseTime,
    /// Requests by how they ended.
    Outcomes,
}

/// A number that was expected, to be shown beside what was found.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Expected {
    /// What it is, in words.
    pub what: String,
    /// The metric, as its path in a cell.
    pub metric: String,
    /// What was expected, in the metric's unit.
    pub value: f64,
    /// Under which load, by its name; under all of the section unless said.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<String>,
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
    /// Requests by how long they took, or by how they ended.
    Histogram,
    /// The theoretical maximum against what was measured.
    Capacity,
    /// Orders and revenue lost.
    Business,
    /// Numbers that were expected, against what was found.
    Expected,
    /// What happened on one page of words, every number of them from the record.
    Summary,
}

impl SectionKind {
    /// Whether it shows what cells carry only where it is asked for.
    #[must_use]
    pub const fn needs_responses(self) -> bool {
        matches!(self, Self::Histogram | Self::Capacity | Self::Business | Self::Expected | Self::Summary)
    }
}
