//! Expectations: what must come out of which cells, next to the lesson that it proves.

use std::fmt;

use ::load::Rate;
use evidence::record::{Cell, LoadRecord};

use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Experiment, metric};

/// One expectation, bound to an experiment that has cells for it.
#[derive(Clone, Debug, PartialEq)]
pub struct Expectation {
    /// What it proves, in words.
    pub lesson: String,
    /// Of which designs it speaks; all when `None`.
    pub designs: Option<Vec<String>>,
    /// Of which constant rates it speaks; all when `None`.
    pub rates: Option<Vec<f64>>,
    /// Of which faults it speaks; all when `None`.
    pub faults: Option<Vec<String>>,
    /// The metric, as its path in a cell.
    pub metric: String,
    /// What the metric must be. All of it; at least one.
    pub bounds: Vec<Bound>,
}

/// What a metric must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
    /// Exactly this.
    Equals(f64),
    /// Not defined in the cell.
    Null,
    /// Defined in the cell.
    NotNull,
}

impl Bound {
    /// Whether a value is within the bound. What is not defined is neither large nor small enough.
    #[must_use]
    pub fn holds(self, value: Option<f64>) -> bool {
        match (self, value) {
            (Self::AtLeast(least), Some(value)) => value >= least,
            (Self::AtMost(most), Some(value)) => value <= most,
            #[expect(clippy::float_cmp, reason = "counts are whole, and the record's values are rounded")]
            (Self::Equals(expected), Some(value)) => value == expected,
            (Self::Null, value) => value.is_none(),
            (Self::NotNull, value) => value.is_some(),
            (Self::AtLeast(_) | Self::AtMost(_) | Self::Equals(_), None) => false,
        }
    }

    /// How far a value is outside the bound, in words; `None` when there is no distance.
    #[must_use]
    pub fn off_by(self, value: Option<f64>) -> Option<String> {
        let value = value?;
        let (limit, distance) = match self {
            Self::AtLeast(limit) | Self::AtMost(limit) | Self::Equals(limit) => (limit, value - limit),
            Self::Null | Self::NotNull => return None,
        };
        if self.holds(Some(value)) {
            return None;
        }
        // Six decimals are more than any metric has; they hide the noise of the subtraction.
        let amount = (distance.abs() * 1e6).round() / 1e6;
        let side = if distance < 0.0 { "below" } else { "above" };
        let share = if limit == 0.0 {
            String::new()
        } else {
            format!(" ({:.1} %)", (distance / limit * 100.0).abs())
        };
        Some(format!("{amount} {side}{share}"))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::Equals(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
            Self::NotNull => f.write_str("not null"),
        }
    }
}

impl Expectation {
    /// Whether it speaks of this cell.
    #[must_use]
    pub fn speaks_of(&self, cell: &Cell) -> bool {
        let rate = match cell.load {
            LoadRecord::Constant { rate_per_s, .. } => Some(rate_per_s),
            LoadRecord::Ramp { .. } | LoadRecord::Burst { .. } => None,
        };
        self.designs.as_ref().is_none_or(|designs| designs.contains(&cell.design))
            && self.faults.as_ref().is_none_or(|faults| faults.contains(&cell.fault))
            && self.rates.as_ref().is_none_or(|rates| rate.is_some_and(|rate| rates.contains(&rate)))
    }

    /// All of its bounds, in words.
    #[must_use]
    pub fn expected(&self) -> String {
        self.bounds.iter().map(Bound::to_string).collect::<Vec<_>>().join(" and ")
    }
}

/// An `[[expect]]` as people write it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expectation")]
pub(super) struct ExpectFile {
    /// What it proves, in words.
    lesson: String,
    /// Of which designs it speaks; all unless said.
    designs: Option<Vec<String>>,
    /// Of which constant rates it speaks; all unless said.
    rates: Option<Vec<Rate>>,
    /// Of which faults it speaks; all unless said.
    faults: Option<Vec<String>>,
    /// The metric, as its path in a cell: `goodput_ratio`, `latency_ms.p99`, `services.payment-service.waiting_max`.
    /// An array has an element `max`. A kind of error that a cell has none of counts as 0.
    metric: String,
    /// It is not less.
    at_least: Option<f64>,
    /// It is not more.
    at_most: Option<f64>,
    /// It is exactly this.
    equals: Option<f64>,
    /// It is (true) or is not (false) null.
    is_null: Option<bool>,
}

impl ExpectFile {
    /// Holds it against the experiment and what its cells can have: everything it names must be there.
    pub(super) fn bind(self, experiment: &Experiment, prototype: &Value) -> Result<Expectation, String> {
        if self.lesson.trim().is_empty() {
            return Err("an expectation needs the lesson it proves, in words".to_owned());
        }
        metric::check_path(&self.metric, prototype)?;
        let bounds: Vec<_> = [
            self.at_least.map(Bound::AtLeast),
            self.at_most.map(Bound::AtMost),
            self.equals.map(Bound::Equals),
            self.is_null.map(|is_null| if is_null { Bound::Null } else { Bound::NotNull }),
        ]
        .into_iter()
        .flatten()
        .collect();
        if bounds.is_empty() {
            return Err("an expectation needs one of `at_least`, `at_most`, `equals`, `is_null`".to_owned());
        }
        let designs: Vec<_> = experiment.designs.iter().map(|design| design.name().to_owned()).collect();
        let faults: Vec<_> = experiment.faults.iter().map(|fault| fault.name().to_owned()).collect();
        is_subset("design", self.designs.as_deref(), &designs)?;
        is_subset("fault", self.faults.as_deref(), &faults)?;
        let rates = self.rates.map(|rates| rates.into_iter().map(Rate::per_s).collect::<Vec<_>>());
        is_subset("rate", rates.as_deref(), &experiment.load.rates())?;
        let Self { lesson, designs, faults, metric, .. } = self;
        Ok(Expectation { lesson, designs, rates, faults, metric, bounds })
    }
}

/// An expectation about a cell that the experiment does not have would be green for ever.
fn is_subset<T: PartialEq + fmt::Display>(
    what: &str,
    named: Option<&[T]>,
    known: &[T],
) -> Result<(), String> {
    let Some(named) = named else { return Ok(()) };
    if named.is_empty() {
        return Err(format!("the expectation speaks of no {what}"));
    }
    match named.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) => {
            let known = known.iter().map(T::to_string).collect::<Vec<_>>().join(", ");
            let known = if known.is_empty() { "none" } else { known.as_str() };
            Err(format!("the expectation speaks of the {what} {name}, but the experiment has only {known}"))
        }
    }
}
