//! What a run is asked for beside the experiment.

use std::{num::NonZeroUsize, thread, time::Duration};

use crate::experiment::Narrowing;
pub use crate::world::local::{Interrupt, LocalOptions};

/// How much memory cells may take together unless said otherwise: with what the program itself needs it
/// stays below 3 GiB.
const MEMORY_MAX_MIB_DEFAULT: u64 = 2_500;

/// Where cells happen.
#[derive(Clone, Debug, Default, PartialEq)]
pub enum World {
    /// Simulated: deterministic, and faster than real time.
    #[default]
    Sim,
    /// As real processes of this machine, one cell after the other.
    Local(LocalOptions),
}

impl World {
    /// Its name in records.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sim => evidence::SIM,
            Self::Local(_) => evidence::LOCAL,
        }
    }
}

/// Which part of an experiment to run, and how.
#[derive(Clone, Debug, PartialEq)]
pub struct RunOptions {
    /// Where. Default simulated.
    pub world: World,
    /// Every cell is run with each of these seeds. Default 1.
    pub seeds: Vec<u64>,
    /// Rates instead of the experiment's, in orders per second.
    pub rates: Option<Vec<f64>>,
    /// A duration of the load instead of the experiment's.
    pub duration: Option<Duration>,
    /// Designs instead of the experiment's, by name or path.
    pub designs: Option<Vec<String>>,
    /// Only these loads of the experiment, by name.
    pub loads: Option<Vec<String>>,
    /// Faults instead of the experiment's, by name.
    pub faults: Option<Vec<String>>,
    /// How many cells run at once. Changes no result. Default: as many as there are cores. Real cells share the
    /// machine: they run one after the other, whatever stands here.
    pub threads: NonZeroUsize,
    /// How many MiB the cells that run at once are estimated to take at most; a cell that needs more runs
    /// alone, and one that needs more than 8 GiB is refused. Default 2,500.
    pub memory_max_mib: u64,
}

impl Default for RunOptions {
    fn default() -> Self {
        Self {
            world: World::Sim,
            seeds: vec![1],
            rates: None,
            duration: None,
            designs: None,
            loads: None,
            faults: None,
            threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN),
            memory_max_mib: MEMORY_MAX_MIB_DEFAULT,
        }
    }
}

impl RunOptions {
    /// What the options ask for instead of what the experiment says. Checking a record of another part than
    /// the experiment's own against `experiment.narrow(…)` of this gives exact replay commands for designs
    /// that were named by path.
    #[must_use]
    pub fn narrowing(&self) -> Narrowing {
        Narrowing {
            designs: self.designs.clone(),
            rates: self.rates.clone(),
            loads: self.loads.clone(),
            faults: self.faults.clone(),
            duration: self.duration,
        }
    }
}

/// Who wants to know how far a run is. Called from the threads that run the cells.
pub trait Progress: Sync {
    /// So many cells will be run.
    fn started(&self, total: usize);
    /// One more is done.
    fn cell_done(&self, label: &str);
}

/// Nobody wants to know.
#[derive(Clone, Copy, Debug, Default)]
pub struct Silent;

impl Progress for Silent {
    fn started(&self, _total: usize) {}
    fn cell_done(&self, _label: &str) {}
}
