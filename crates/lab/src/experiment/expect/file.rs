//! An expectation as people write it, and what binds it to an experiment.

use std::fmt;

use ::load::Rate;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Bound, Comparison, Expectation, OverSeeds, Side, WorldName};
use crate::experiment::{Experiment, metric};

/// An `[[expect]]` as people write it.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Expectation")]
pub(in crate::experiment) struct ExpectFile {
    /// What it proves, in words.
    lesson: String,
    /// Of which world it speaks, where only that one has the metric; all unless said.
    world: Option<WorldName>,
    /// Of which designs it speaks; all unless said.
    designs: Option<Vec<String>>,
    /// Of which constant rates it speaks; all unless said.
    rates: Option<Vec<Rate>>,
    /// Of which loads it speaks, by their names; all unless said.
    loads: Option<Vec<String>>,
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
    /// It is this word, for a metric that is one, such as `metastability.verdict`.
    is: Option<String>,
    /// It is not less than so many times a metric of another cell.
    at_least_times: Option<OtherFile>,
    /// It is not more than so many times a metric of another cell.
    at_most_times: Option<OtherFile>,
    /// `each` (unless said): every seed alone; `mean`: the mean of the seeds that were run.
    #[serde(default)]
    over_seeds: OverSeeds,
}

/// The other side of a comparison: the cell under the same load, fault and seed, but for what is said here.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "OtherCell")]
struct OtherFile {
    /// How many times the other's value is the limit.
    times: f64,
    /// The other cell's design; the same unless said.
    design: Option<String>,
    /// The other cell's fault; the same unless said.
    fault: Option<String>,
    /// The other cell's metric; the same unless said.
    metric: Option<String>,
}

impl OtherFile {
    fn bind(self, side: Side, experiment: &Experiment, prototype: &Value) -> Result<Comparison, String> {
        let Self { times, design, fault, metric } = self;
        if !(times > 0.0 && times.is_finite()) {
            return Err(format!("`times` must be above 0, not {times}"));
        }
        if (&design, &fault, &metric) == (&None, &None, &None) {
            let reason = "a comparison needs another `design`, `fault` or `metric` to compare with";
            return Err(reason.to_owned());
        }
        is_subset("design", design.as_ref().map(std::slice::from_ref), &design_names(experiment))?;
        is_subset("fault", fault.as_ref().map(std::slice::from_ref), &fault_names(experiment))?;
        if let Some(metric) = &metric {
            metric::check_path(metric, prototype)?;
        }
        Ok(Comparison { side, times, design, fault, metric })
    }
}

impl ExpectFile {
    /// Holds it against the experiment and what its cells can have: everything it names must be there.
    pub(in crate::experiment) fn bind(
        self,
        experiment: &Experiment,
        prototype: &Value,
    ) -> Result<Expectation, String> {
        if self.lesson.trim().is_empty() {
            return Err("an expectation needs the lesson it proves, in words".to_owned());
        }
        match &self.is {
            Some(_) => metric::check_text_path(&self.metric, prototype)?,
            None => metric::check_path(&self.metric, prototype)?,
        }
        let bounds: Vec<_> = [
            self.at_least.map(Bound::AtLeast),
            self.at_most.map(Bound::AtMost),
            self.equals.map(Bound::Equals),
            self.is_null.map(|is_null| if is_null { Bound::Null } else { Bound::NotNull }),
        ]
        .into_iter()
        .flatten()
        .collect();
        let sides = [(Side::AtLeast, self.at_least_times), (Side::AtMost, self.at_most_times)];
        let sides = sides.into_iter().filter_map(|(side, other)| Some((side, other?)));
        let comparisons = sides.map(|(side, other)| other.bind(side, experiment, prototype));
        let comparisons = comparisons.collect::<Result<Vec<_>, _>>()?;
        if self.is.is_some() && !(bounds.is_empty() && comparisons.is_empty()) {
            return Err("a word is no number: `is` stands alone".to_owned());
        }
        if self.is.is_none() && bounds.is_empty() && comparisons.is_empty() {
            let kinds = "`at_least`, `at_most`, `equals`, `is_null`, `is`, `at_least_times`, `at_most_times`";
            return Err(format!("an expectation needs one of {kinds}"));
        }
        is_subset("design", self.designs.as_deref(), &design_names(experiment))?;
        is_subset("fault", self.faults.as_deref(), &fault_names(experiment))?;
        let rates = self.rates.map(|rates| rates.into_iter().map(Rate::per_s).collect::<Vec<_>>());
        is_subset("rate", rates.as_deref(), &experiment.load.rates())?;
        is_subset("load", self.loads.as_deref(), &experiment.load.names())?;
        let Self { lesson, world, designs, loads, faults, metric, is: word, over_seeds, .. } = self;
        let expectation = Expectation {
            lesson,
            world,
            designs,
            rates,
            loads,
            faults,
            metric,
            bounds,
            word,
            comparisons,
            over_seeds,
        };
        expectation.compares_no_cell_with_itself(experiment)?;
        Ok(expectation)
    }
}

impl Expectation {
    /// A cell is always at least itself, and never 1.3 times itself: neither says anything.
    fn compares_no_cell_with_itself(&self, experiment: &Experiment) -> Result<(), String> {
        for design in design_names(experiment).iter().filter(|name| contains(&self.designs, name)) {
            for fault in fault_names(experiment).iter().filter(|name| contains(&self.faults, name)) {
                let is_itself = |comparison: &&Comparison| {
                    comparison.design.as_ref().is_none_or(|other| other == design)
                        && comparison.fault.as_ref().is_none_or(|other| other == fault)
                        && comparison.metric.as_ref().is_none_or(|other| *other == self.metric)
                };
                if self.comparisons.iter().any(|comparison| is_itself(&comparison)) {
                    return Err(format!(
                        "the expectation compares {design} under {fault} with itself: say of which designs or \
                         faults it speaks"
                    ));
                }
            }
        }
        Ok(())
    }
}

fn contains(named: &Option<Vec<String>>, name: &String) -> bool {
    named.as_ref().is_none_or(|named| named.contains(name))
}

fn design_names(experiment: &Experiment) -> Vec<String> {
    experiment.designs.iter().map(|design| design.name().to_owned()).collect()
}

fn fault_names(experiment: &Experiment) -> Vec<String> {
    experiment.faults.iter().map(|fault| fault.name().to_owned()).collect()
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
