//! Making a search: halving what is left until the least number that meets the goals is known.
//!
//! It is made in the simulation, whatever world its experiment runs in: it tries cell after cell, which takes seconds there
//! and would take the better part of an hour in real time.

use std::{collections::BTreeMap, sync::Arc};

use evidence::record::{Search as Found, Trial};

use super::{LabError, World, run_cell, sim};
use crate::{
    experiment::{Experiment, Search},
    world::sim::CellPlan,
};

/// Makes a search, with the first seed. The goals are expected to be met from some number of workers on.
pub(super) fn search(experiment: &Experiment, search: &Search, seed: u64) -> Result<Found, LabError> {
    let (from, to) = search.between;
    let mut trials: BTreeMap<u32, Trial> = BTreeMap::new();
    let mut is_met = |workers: u32| {
        if let Some(known) = trials.get(&workers) {
            return Ok::<_, LabError>(known.is_met);
        }
        let trial = attempt(experiment, search, workers, seed)?;
        let is_met = trial.is_met;
        trials.insert(workers, trial);
        Ok(is_met)
    };
    let needed = if is_met(to)? { Some(least(from, to, &mut is_met)?) } else { None };
    Ok(Found {
        title: search.title.clone(),
        design: search.design.name.clone(),
        load: search.load.clone(),
        between: [from, to],
        goals: search.goals.clone(),
        needed,
        trials: trials.into_values().collect(),
    })
}

/// The least number between both with which it is met, when it is with the second.
fn least<E>(from: u32, to: u32, is_met: &mut impl FnMut(u32) -> Result<bool, E>) -> Result<u32, E> {
    let (mut low, mut high) = (from, to);
    while low < high {
        let middle = low + (high - low) / 2;
        if is_met(middle)? {
            high = middle;
        } else {
            low = middle + 1;
        }
    }
    Ok(high)
}

fn attempt(experiment: &Experiment, search: &Search, workers: u32, seed: u64) -> Result<Trial, LabError> {
    let load = experiment.load.loads.iter().find(|load| load.name.as_deref() == Some(&search.load));
    let plan = CellPlan {
        design: Arc::new(search.with_workers(workers)),
        fault: chaos::FaultPlan::undisturbed(chaos::NONE),
        load: load.expect("a search names a load of its experiment").clone(),
        slo: experiment.slo,
        seed,
        rest: sim::REST,
        responses: experiment.responses,
    };
    let cell = run_cell(experiment, &plan, &World::Sim)?;
    let cell = serde_json::to_value(&cell).expect("a cell has text keys only");
    let values: Vec<_> = search.goals.iter().map(|goal| goal.value(&cell)).collect();
    let is_met = search.goals.iter().zip(&values).all(|(goal, value)| goal.is_met_by(*value));
    Ok(Trial { workers, values, is_met })
}

#[cfg(test)]
mod tests {
    use std::convert::Infallible;

    use super::*;

    #[test]
    fn finds_the_least_and_asks_seldom() {
        for least_of_all in 1..=200 {
            let mut asked = 0;
            let found = least(1, 200, &mut |workers| {
                asked += 1;
                Ok::<_, Infallible>(workers >= least_of_all)
            });
            assert_eq!(found, Ok(least_of_all));
            assert!(asked <= 8, "{asked} trials for 200 numbers");
        }
    }
}
