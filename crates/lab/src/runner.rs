//! The runner: all cells of an experiment, as many at once as cores and memory allow, one record.
//!
//! Cells share nothing, so how they are scheduled changes no byte of the record: its cells stand in the
//! order of the experiment (design, fault, rate, seed as listed). What scheduling is about is memory: a
//! design that refuses nobody holds tens of thousands of exchanges at once. Each cell has an estimated
//! need, and cells run together only while the sum stays below a limit; the heaviest go first, so that the
//! light ones fill the gaps. A cell that needs more than the limit runs alone; one that would take most
//! machines down is refused.

pub(crate) mod memory;
mod options;
pub(crate) mod pool;
mod search;

use std::{
    any::Any,
    collections::BTreeSet,
    num::NonZeroUsize,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
};

use evidence::record::{Cell, Record, SCHEMA};

pub use options::{Interrupt, LocalOptions, Progress, RunOptions, Silent, World};

use crate::{
    collector::Testimony,
    experiment::{CellName, Experiment, UsageError, replay},
    verify::replay::watched,
    world::{
        local::{self, LocalError, Machine},
        sim::{self, CellError, CellPlan},
    },
};

/// Why there is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LabError {
    /// What was asked for cannot be run.
    #[error(transparent)]
    Usage(#[from] UsageError),
    /// A cell that would take most machines down.
    #[error(
        "the cell {cell} would take about {estimated_mib} MiB of memory, and a cell may take at most {limit_mib} \
         MiB: ask for a lower rate, a shorter duration or a design that admits fewer at once"
    )]
    TooLarge {
        /// Which one.
        cell: String,
        /// What it is estimated to take.
        estimated_mib: u64,
        /// What it may.
        limit_mib: u64,
    },
    /// A fault that real processes cannot be given.
    #[error(
        "the fault {fault} cannot be had in the local world: there is no network between the processes that could be \
         disturbed, no clock of their own, and the clients are no subject ({action}); what there is: none, brownout, \
         blackout, and faults of the kinds hardship, power-off, kill (of any process, the broker too), duplicates and \
         events"
    )]
    NotLocal {
        /// Its name.
        fault: String,
        /// What cannot be done.
        action: String,
    },
    /// This machine cannot do what was asked of it.
    #[error("this machine cannot run that: {}", reasons.join("; "))]
    Machine {
        /// What is too few, by how much, what to do.
        reasons: Vec<String>,
    },
    /// Somebody wanted it to stop. Nothing of it is left.
    #[error("interrupted")]
    Interrupted,
    /// A cell broke. This is a defect of the platform or of the laboratory, never a finding.
    #[error("the cell {cell} broke: {reason} (run it again with `{replay}`)")]
    Cell {
        /// Which one.
        cell: String,
        /// How.
        reason: String,
        /// The command that runs it again.
        replay: String,
    },
}

/// Whether an experiment, or the part of it that the options ask for, can be run: what about this machine will distort
/// its numbers. Runs nothing.
///
/// # Errors
/// When the options ask for something that does not exist or cannot be, for a cell that would take more than 8 GiB of
/// memory, or for real processes that this machine cannot carry.
pub fn feasible(experiment: &Experiment, options: &RunOptions) -> Result<Vec<String>, LabError> {
    prepare(experiment, options).map(|prepared| prepared.warnings)
}

/// Runs an experiment, or the part of it that the options ask for.
///
/// # Errors
/// As for [`feasible`], and when a cell breaks. Cells that were not yet begun are then not run.
pub fn run(
    experiment: &Experiment,
    options: &RunOptions,
    progress: &dyn Progress,
) -> Result<Record, LabError> {
    #[expect(
        clippy::disallowed_methods,
        reason = "how long it really took is for people, and no part of a cell"
    )]
    let started = std::time::Instant::now();
    let Prepared { seed, experiment, plans, needs_mib, warnings } = prepare(experiment, options)?;
    progress.started(plans.len());
    let (threads, not_modelled) = match options.world {
        World::Sim => (options.threads, node::sim::NOT_MODELLED),
        World::Local(_) => (NonZeroUsize::MIN, local::NOT_MODELLED),
    };
    let cells = pool::run(&needs_mib, threads, options.memory_max_mib, |index| {
        let plan = &plans[index];
        let cell = run_cell(&experiment, plan, &options.world)?;
        progress.cell_done(&name(plan).to_string());
        Ok::<_, LabError>(cell)
    })?;
    let mut searches = Vec::new();
    for wanted in &experiment.searches {
        searches.push(search::search(&experiment, wanted, seed)?);
    }
    Ok(Record {
        schema: SCHEMA,
        experiment: experiment.name.clone(),
        world: options.world.name().to_owned(),
        seed,
        wall_s: (started.elapsed().as_secs_f64() * 1e3).round() / 1e3,
        sections: experiment.sections.clone(),
        warnings,
        not_modelled: not_modelled.iter().copied().map(str::to_owned).collect(),
        searches,
        cells,
    })
}

/// The first seed; it is the record's.
fn check_seeds(seeds: &[u64]) -> Result<u64, UsageError> {
    let mut seen = BTreeSet::new();
    if let Some(twice) = seeds.iter().find(|seed| !seen.insert(**seed)) {
        return Err(UsageError::Twice { what: "seed", name: twice.to_string() });
    }
    seeds.first().copied().ok_or(UsageError::Nothing { what: "seed" })
}

/// What is to be run.
struct Prepared {
    /// The first seed.
    seed: u64,
    /// The part that was asked for.
    experiment: Experiment,
    /// Every cell, in the order of the record.
    plans: Vec<CellPlan>,
    /// What each is estimated to take.
    needs_mib: Vec<u64>,
    /// What about this machine will distort the numbers.
    warnings: Vec<String>,
}

fn prepare(experiment: &Experiment, options: &RunOptions) -> Result<Prepared, LabError> {
    let seed = check_seeds(&options.seeds)?;
    let experiment = experiment.narrow(&options.narrowing())?;
    let plans = plans(&experiment, &options.seeds);
    let needs_mib: Vec<_> = plans.iter().map(memory::estimated_mib).collect();
    for (plan, &estimated_mib) in plans.iter().zip(&needs_mib) {
        if estimated_mib > memory::CELL_MAX_MIB {
            let cell = name(plan).to_string();
            return Err(LabError::TooLarge { cell, estimated_mib, limit_mib: memory::CELL_MAX_MIB });
        }
    }
    let warnings = match &options.world {
        World::Sim => Vec::new(),
        World::Local(local) => on_this_machine(&plans, local)?,
    };
    Ok(Prepared { seed, experiment, plans, needs_mib, warnings })
}

/// What real processes need before any is started: faults that they can be given, and a machine that carries them.
fn on_this_machine(plans: &[CellPlan], options: &LocalOptions) -> Result<Vec<String>, LabError> {
    for plan in plans {
        if let Some(action) = local::unsupported(&plan.fault) {
            let fault = plan.fault.name().to_owned();
            return Err(LabError::NotLocal { fault, action: action.to_string() });
        }
    }
    let cells: Vec<_> = plans.iter().map(|plan| (plan, name(plan).to_string())).collect();
    let found = local::examine(&cells, &Machine::of(&options.folder));
    match found.refusals.is_empty() {
        true => Ok(found.warnings),
        false => Err(LabError::Machine { reasons: found.refusals }),
    }
}

/// Every cell, in the order of the record.
fn plans(experiment: &Experiment, seeds: &[u64]) -> Vec<CellPlan> {
    let mut plans = Vec::new();
    for candidate in &experiment.designs {
        let design = Arc::new(candidate.resolved.design.clone());
        for fault in &experiment.faults {
            for load in &experiment.load.loads {
                plans.extend(seeds.iter().map(|&seed| CellPlan {
                    design: Arc::clone(&design),
                    fault: fault.clone(),
                    load: load.clone(),
                    slo: experiment.slo,
                    seed,
                    rest: sim::REST,
                    responses: experiment.responses,
                }));
            }
        }
    }
    plans
}

fn run_cell(experiment: &Experiment, plan: &CellPlan, world: &World) -> Result<Cell, LabError> {
    let options = match world {
        World::Sim => return unbroken(experiment, plan, evidence::SIM, || sim::run(plan)),
        World::Local(options) => options,
    };
    unbroken(experiment, plan, evidence::LOCAL, || {
        let facts = sim::judged(plan, local::testify(plan, options, &folder_name(plan))?);
        Ok(sim::cell(plan, &facts))
    })
}

/// A folder for the cell's data and logs, named so that people find it.
fn folder_name(plan: &CellPlan) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-') { c } else { '-' };
    name(plan).to_string().replace(", ", "-").chars().map(plain).collect()
}

/// The only cell that the options leave of an experiment.
///
/// # Errors
/// As for [`feasible`], and when they leave none or more than one.
pub(crate) fn the_cell(experiment: &Experiment, options: &RunOptions) -> Result<CellPlan, LabError> {
    let mut plans = prepare(experiment, options)?.plans;
    match plans.len() {
        1 => Ok(plans.remove(0)),
        cells => Err(UsageError::NotOneCell { cells }.into()),
    }
}

/// Runs a cell: its name, and what all sides testify.
pub(crate) fn testify(experiment: &Experiment, plan: &CellPlan) -> Result<(String, Testimony), LabError> {
    let testimony = unbroken(experiment, plan, evidence::SIM, || sim::testify(plan, &watched()))?;
    Ok((name(plan).to_string(), testimony))
}

fn unbroken<T>(
    experiment: &Experiment,
    plan: &CellPlan,
    world: &str,
    run: impl FnOnce() -> Result<T, CellError>,
) -> Result<T, LabError> {
    let broke = |reason: String| {
        let name = name(plan);
        LabError::Cell { cell: name.to_string(), reason, replay: replay(experiment, world, &[name]) }
    };
    // Nothing that a broken cell leaves half-done is seen by anyone: its world is gone with it.
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(CellError::Local(LocalError::Interrupted))) => Err(LabError::Interrupted),
        Ok(Err(error)) => Err(broke(crate::toml_file::chain(&error))),
        Err(panic) => Err(broke(format!("it panicked: {}", panic_message(&*panic)))),
    }
}

fn name(plan: &CellPlan) -> CellName<'_> {
    CellName {
        design: &plan.design.name,
        fault: plan.fault.name(),
        seed: plan.seed,
        load: plan.load.record(),
        load_name: plan.load.name.as_deref(),
    }
}

pub(crate) fn panic_message(panic: &(dyn Any + Send)) -> &str {
    let text = panic.downcast_ref::<&str>().copied();
    text.or_else(|| panic.downcast_ref::<String>().map(String::as_str)).unwrap_or("without a message")
}

#[cfg(test)]
mod tests;
