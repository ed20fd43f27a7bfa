//! The laboratory: it runs designs under loads and faults in a world, and holds what came out against
//! what was expected.
//!
//! | module | does |
//! |---|---|
//! | [`designs`] | design files: extend, check, show, compare |
//! | [`experiment`] | experiment files: what is run, what must come out, and whether it did |
//! | [`runner`] | runs all cells of an experiment, in parallel, into one record |
//! | [`mod@verify`] | campaigns of random schedules of faults, and looking at one of them again |
//! | [`mod@serve`] | one service of a design, in this process and on real TCP |
//! | [`process`] | a service as a process of its own |
//! | [`mod@drive`] | the load of a local cell, in a process of its own |
//! | `world::sim` | the simulated world in which a cell happens |
//! | `world::local` | the same with real processes on this machine |
//! | `collector` | what all sides testify, joined into facts; the same for every world |
//!
//! A command line needs this crate and a report; the record and everything in it is re-exported as
//! [`evidence`], the load tool as [`load`], and the machine it runs on as [`node`].
//!
//! ```no_run
//! use lab::{experiment::{Experiment, check}, runner::{RunOptions, Silent, run}};
//!
//! let ladder = Experiment::ladder();
//! let options = RunOptions { rates: Some(vec![50.0]), ..RunOptions::default() };
//! let record = run(&ladder, &options, &Silent)?;
//! let broken = check(&ladder, &record).into_iter().filter(|verdict| !verdict.passed).count();
//! # Ok::<(), lab::runner::LabError>(())
//! ```

mod collector;
pub mod dead_letters;
pub mod designs;
pub mod drive;
pub mod experiment;
pub mod process;
pub mod runner;
pub mod serve;
mod toml_file;
pub mod verify;
mod world;

pub use evidence;
pub use load;
pub use node;
pub use toml_file::FileError;
