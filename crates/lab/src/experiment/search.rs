//! Searches: how many workers it takes, found by trying and not guessed.

use std::num::NonZeroU32;

use evidence::record::Goal;
use platform::design::Design;
use schemars::JsonSchema;
use serde::Deserialize;
use serde_json::Value;

use super::{Experiment, metric::check_path};

/// The most workers that are tried.
const WORKERS_MAX: u32 = 10_000;

/// A search as people write it: the least number of workers, each with a payment slot of its own, with which a design
/// meets all goals under a load.
#[derive(Clone, Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "Search")]
pub struct SearchFile {
    /// What is looked for, in words.
    title: String,
    /// The design, one of the experiment's that has `[consumers]`.
    design: String,
    /// The load, by its name.
    load: String,
    /// The least number of workers that is tried; 1 unless said.
    #[serde(default = "one")]
    from: NonZeroU32,
    /// The most.
    to: NonZeroU32,
    /// What has to hold. That more workers never do worse is assumed, and shows in what was tried.
    goal: Vec<Goal>,
}

const fn one() -> NonZeroU32 {
    NonZeroU32::MIN
}

/// A search that can be made.
#[derive(Clone, Debug, PartialEq)]
pub struct Search {
    /// What is looked for, in words.
    pub title: String,
    /// The design.
    pub design: Design,
    /// The load, by its name.
    pub load: String,
    /// The least number of workers, and the most.
    pub between: (u32, u32),
    /// What has to hold.
    pub goals: Vec<Goal>,
}

impl SearchFile {
    /// Holds it against its experiment.
    pub(super) fn bind(self, experiment: &Experiment, prototype: &Value) -> Result<Search, String> {
        let Self { title, design, load, from, to, goal: goals } = self;
        let found = experiment.designs.iter().find(|candidate| candidate.name() == design);
        let found = found.ok_or_else(|| format!("the experiment has no design {design:?}"))?;
        if found.resolved.design.consumers.is_none() {
            return Err(format!(
                "the design {design} has no [consumers]: there are no workers to be counted"
            ));
        }
        if experiment.load.loads.iter().all(|known| known.name.as_deref() != Some(&load)) {
            return Err(format!("the experiment has no load {load:?}: a search names one"));
        }
        if from >= to || to.get() > WORKERS_MAX {
            return Err(format!("a search is from fewer to more workers, at most {WORKERS_MAX}"));
        }
        if goals.is_empty() {
            return Err("a search needs a [[search.goal]]".to_owned());
        }
        for goal in &goals {
            check_path(&goal.metric, prototype)?;
            if goal.at_most.is_none() && goal.at_least.is_none() {
                return Err(format!("the goal for {} needs `at_most` or `at_least`", goal.metric));
            }
        }
        let design = found.resolved.design.clone();
        Ok(Search { title, design, load, between: (from.get(), to.get()), goals })
    }
}

impl Search {
    /// The design with so many workers, each with a payment slot of its own.
    pub(crate) fn with_workers(&self, workers: u32) -> Design {
        let workers = NonZeroU32::new(workers).expect("a search is from at least one");
        let mut design = self.design.clone();
        design.payment.slots = workers;
        design.consumers.as_mut().expect("a search is over a design with consumers").workers = workers;
        design
    }
}
