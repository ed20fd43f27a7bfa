//! Designs as files: named, built upon each other, checked, shown and compared.
//!
//! A design file states what it adds; what it `extends` states the rest. Resolving one walks up to the
//! first ancestor and takes each section from the nearest file that states it; a section is taken
//! whole, never mixed from two files, so that its comment and its values stay together. The result
//! is a [`platform::design::Design`], which the platform can run and which knows no files.
//!
//! The designs of the ladder are part of the binary (from the folder `designs/`) and known by name;
//! anything that has a `/` in it or ends in `.toml` is a path. Every error names file, line, column and
//! reason.

mod diff;
mod file;
mod resolve;
mod show;

use serde::Serialize;

pub use diff::{DesignDiff, KeyChange, diff};
pub use file::DesignFile;
pub(crate) use resolve::resolve_variant;
pub use resolve::{Origin, ResolvedDesign, resolve};
pub use show::show;

use crate::toml_file::FileError;

/// The designs in the binary: name and text, in the order in which they build upon each other; after those of
/// the ladder those of the other ladder, which are joined by a broker, and those that stand by themselves.
const BUILT_IN: &[(&str, &str)] = &[
    ("v0.1.0", include_str!("../../../designs/v0.1.0.toml")),
    ("v0.2.0", include_str!("../../../designs/v0.2.0.toml")),
    ("v0.3.0", include_str!("../../../designs/v0.3.0.toml")),
    ("v0.4.0", include_str!("../../../designs/v0.4.0.toml")),
    ("v0.5.0", include_str!("../../../designs/v0.5.0.toml")),
    ("v0.6.0", include_str!("../../../designs/v0.6.0.toml")),
    ("v0.7.0", include_str!("../../../designs/v0.7.0.toml")),
    ("v0.8.0", include_str!("../../../designs/v0.8.0.toml")),
    ("v1.0.0", include_str!("../../../designs/v1.0.0.toml")),
    ("events-naive", include_str!("../../../designs/events-naive.toml")),
    ("events-outbox", include_str!("../../../designs/events-outbox.toml")),
    ("events-ack", include_str!("../../../designs/events-ack.toml")),
    ("events-inbox", include_str!("../../../designs/events-inbox.toml")),
    ("events-retries", include_str!("../../../designs/events-retries.toml")),
    ("events-dead-letters", include_str!("../../../designs/events-dead-letters.toml")),
    ("events-composed", include_str!("../../../designs/events-composed.toml")),
    ("small-service", include_str!("../../../designs/small-service.toml")),
];

/// Why there is no such design.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DesignError {
    /// No built-in design has this name.
    #[error("no design {name:?}, expected one of {}, or a path to a .toml file", known().join(", "))]
    Unknown {
        /// The name that was asked for.
        name: String,
    },
    /// The file cannot be read.
    #[error("the design {file} cannot be read")]
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

/// What a built-in design is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Summary {
    /// Its name.
    pub name: String,
    /// What it adds, in a few words.
    pub title: String,
    /// What it must show in the evidence.
    pub lesson: String,
    /// The design it builds upon.
    pub extends: Option<String>,
}

/// The built-in designs, each after the one it builds upon.
#[must_use]
pub fn list() -> Vec<Summary> {
    known()
        .into_iter()
        .map(|name| {
            let resolved = resolve(name).expect("a test resolves every built-in design");
            let ResolvedDesign { title, lesson, extends, .. } = resolved;
            Summary { name: name.to_owned(), title, lesson, extends }
        })
        .collect()
}

/// The names of the built-in designs.
#[must_use]
pub fn known() -> Vec<&'static str> {
    BUILT_IN.iter().map(|(name, _)| *name).collect()
}
