//! The laboratory: it runs designs under loads and faults in a world, and holds what came out against
//! what was expected.

pub mod designs;
pub mod experiment;
mod toml_file;
mod world;

pub use evidence;
pub use toml_file::FileError;
