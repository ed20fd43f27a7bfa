//! Running a part of an experiment, or the same with other rates or another duration.

use std::{collections::BTreeSet, time::Duration};

use ::load::LoadError;
use chaos::FaultPlan;

use super::{Candidate, Experiment, MissingHost, hosts::missing_host};
use crate::designs::{self, DesignError};

/// What is asked for instead of what the experiment says; `None` leaves it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Narrowing {
    /// Designs: by the experiment's own names, by built-in name, or by path.
    pub designs: Option<Vec<String>>,
    /// Rates of the constant load, in orders per second.
    pub rates: Option<Vec<f64>>,
    /// Loads, by their names in the experiment.
    pub loads: Option<Vec<String>>,
    /// Faults: the experiment's own, or named ones.
    pub faults: Option<Vec<String>>,
    /// How long orders keep coming.
    pub duration: Option<Duration>,
}

/// Why that cannot be run.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UsageError {
    /// A design that is unknown or wrong.
    #[error(transparent)]
    Design(#[from] DesignError),
    /// No such fault.
    #[error("no fault {name:?}, expected one of {}", known.join(", "))]
    UnknownFault {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// A fault that disturbs a host which a design has not.
    #[error(transparent)]
    Host(#[from] MissingHost),
    /// Something asked for twice.
    #[error("the {what} {name} is there twice")]
    Twice {
        /// Design, fault, rate or seed.
        what: &'static str,
        /// Which.
        name: String,
    },
    /// Nothing asked for.
    #[error("no {what} to run with")]
    Nothing {
        /// Design, fault, rate or seed.
        what: &'static str,
    },
    /// Rates for a load that is not constant.
    #[error("the experiment's load is not constant: it has no rate to change")]
    NotConstant,
    /// Rates for loads that have names.
    #[error("the experiment's loads have names: choose some of them with --loads {}", names.join(","))]
    NamedLoads {
        /// The names there are.
        names: Vec<String>,
    },
    /// No such load.
    #[error("no load {name:?}, {}", if known.is_empty() {
        "the experiment's have no names: choose some with --rates".to_owned()
    } else {
        format!("expected one of {}", known.join(", "))
    })]
    UnknownLoad {
        /// The name that was asked for.
        name: String,
        /// The names there are.
        known: Vec<String>,
    },
    /// One cell is wanted.
    #[error("that leaves {cells} cells, and one can be replayed: say which design, fault and rate")]
    NotOneCell {
        /// How many there are.
        cells: usize,
    },
    /// A rate, a duration or a load that cannot be.
    #[error(transparent)]
    Load(#[from] LoadError),
}

impl Experiment {
    /// The part of the experiment that is asked for. Expectations stay: those without a cell are "not run".
    ///
    /// # Errors
    /// When something that is asked for does not exist, is asked for twice, or cannot be.
    pub fn narrow(&self, to: &Narrowing) -> Result<Self, UsageError> {
        let mut narrowed = self.clone();
        if let Some(names) = &to.designs {
            narrowed.designs = self.pick_designs(names)?;
        }
        if let Some(names) = &to.faults {
            narrowed.faults = self.pick_faults(names)?;
        }
        if let Some(missing) = narrowed.faults.iter().find_map(|plan| missing_host(plan, &narrowed.designs)) {
            return Err(missing.into());
        }
        if let Some(names) = &to.loads {
            narrowed.load.only(names)?;
        }
        if let Some(rates) = &to.rates {
            narrowed.load.at(rates)?;
        }
        if let Some(duration) = to.duration {
            narrowed.load.lasting(duration)?;
        }
        let Self { designs, load, searches, .. } = &mut narrowed;
        searches.retain(|search| {
            designs.iter().any(|candidate| candidate.name() == search.design.name)
                && load.loads.iter().any(|known| known.name.as_deref() == Some(&search.load))
        });
        Ok(narrowed)
    }

    fn pick_designs(&self, names: &[String]) -> Result<Vec<Candidate>, UsageError> {
        let mut picked: Vec<Candidate> = Vec::new();
        for name in names {
            let own = self.designs.iter().find(|candidate| candidate.name() == name);
            let candidate = match own {
                Some(candidate) => candidate.clone(),
                None => Candidate { argument: name.clone(), resolved: designs::resolve(name)? },
            };
            if picked.iter().any(|other| other.name() == candidate.name()) {
                return Err(UsageError::Twice { what: "design", name: candidate.name().to_owned() });
            }
            picked.push(candidate);
        }
        if picked.is_empty() { Err(UsageError::Nothing { what: "design" }) } else { Ok(picked) }
    }

    fn pick_faults(&self, names: &[String]) -> Result<Vec<FaultPlan>, UsageError> {
        let mut seen = BTreeSet::new();
        let mut picked = Vec::new();
        for name in names {
            let own = self.faults.iter().find(|plan| plan.name() == name).cloned();
            let plan = own.or_else(|| chaos::named(name)).ok_or_else(|| {
                let own = self.faults.iter().map(FaultPlan::name);
                let more = chaos::NAMES
                    .iter()
                    .copied()
                    .filter(|name| !self.faults.iter().any(|f| f.name() == *name));
                UsageError::UnknownFault {
                    name: name.clone(),
                    known: own.chain(more).map(str::to_owned).collect(),
                }
            })?;
            if !seen.insert(name) {
                return Err(UsageError::Twice { what: "fault", name: name.clone() });
            }
            picked.push(plan);
        }
        if picked.is_empty() { Err(UsageError::Nothing { what: "fault" }) } else { Ok(picked) }
    }
}
