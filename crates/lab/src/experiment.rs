//! Experiments: designs × loads × faults, and what must come out.
//!
//! An experiment file is read once into an [`Experiment`] that can be run: its designs are resolved, its
//! faults are plans, its loads are valid, and each of its expectations speaks of at least one of its own
//! cells. An expectation about nothing would always be green; it is refused with the line it stands on.
//! The ladder is such a file too, part of the binary; it is nothing special but for its name.

mod check;
mod expect;
mod file;
mod hosts;
mod load;
mod metric;
mod narrow;
mod prototype;
pub(crate) mod replay;
mod search;
mod sections;

use std::{
    fs,
    path::{Path, PathBuf},
    time::Duration,
};

use chaos::FaultPlan;
use evidence::record::Section;

pub use check::{NotRun, check, not_run};
pub use expect::{Bound, Comparison, Expectation, OverSeeds, Side, WorldName};
pub use file::ExperimentFile;
pub use hosts::MissingHost;
pub use load::{LoadPlan, NamedLoad, Share};
pub use narrow::{Narrowing, UsageError};
pub(crate) use replay::{CellName, replay};
pub use search::{Search, SearchFile};

use crate::{designs::ResolvedDesign, toml_file::FileError};

/// The ladder's file, as it is named in messages and as it is in the binary.
const LADDER: (&str, &str) = ("experiments/ladder.toml", include_str!("../../../experiments/ladder.toml"));

/// Something that can be run and judged.
#[derive(Clone, Debug)]
pub struct Experiment {
    /// Its name, which the record carries.
    pub name: String,
    /// What it is about.
    pub title: String,
    /// Where it was read from.
    pub source: Source,
    /// Where it happens unless somebody asks for another world.
    pub world: WorldName,
    /// What is tried. No two have the same name.
    pub designs: Vec<Candidate>,
    /// Under what faults. No two have the same name.
    pub faults: Vec<FaultPlan>,
    /// Under what loads.
    pub load: LoadPlan,
    /// Within what time after its intended send a success counts as goodput.
    pub slo: Duration,
    /// Whether its cells carry what every request took, because a section shows it.
    pub responses: bool,
    /// What its report shows beside what every report shows.
    pub sections: Vec<Section>,
    /// What is searched for, in the order of the file.
    pub searches: Vec<Search>,
    /// What must come out, in the order of the file.
    pub expectations: Vec<Expectation>,
}

/// A design in an experiment.
#[derive(Clone, Debug)]
pub struct Candidate {
    /// How the command line names it: a built-in name, or a path.
    pub argument: String,
    /// The design.
    pub resolved: ResolvedDesign,
}

impl Candidate {
    /// The design's name, as records and expectations use it.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.resolved.design.name
    }
}

/// Where an experiment was read from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The ladder in the binary.
    Ladder,
    /// A file.
    File(PathBuf),
}

/// Why a file is no experiment.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ExperimentError {
    /// The file cannot be read.
    #[error("the experiment {file} cannot be read")]
    Read {
        /// The path as it was given.
        file: String,
        /// Why.
        source: std::io::Error,
    },
    /// The file says something that cannot be.
    #[error(transparent)]
    File(#[from] FileError),
}

impl Experiment {
    /// The ladder.
    #[must_use]
    pub fn ladder() -> Self {
        let (label, text) = LADDER;
        file::read(label, text, Source::Ladder).expect("a test reads the built-in ladder")
    }

    /// Reads an experiment file.
    ///
    /// # Errors
    /// When it cannot be read, or says something that cannot be: an unknown key, design or fault, an
    /// impossible value, an expectation that no cell of the experiment can meet or miss.
    pub fn read(path: &Path) -> Result<Self, ExperimentError> {
        let label = path.display().to_string();
        let text = fs::read_to_string(path)
            .map_err(|source| ExperimentError::Read { file: label.clone(), source })?;
        Ok(file::read(&label, &text, Source::File(path.to_owned()))?)
    }
}
