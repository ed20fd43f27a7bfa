//! `failfirst designs`: what there is to compare.

use std::fmt::Write as _;

use lab::designs::{self, DesignError};
use lab::serve::Design;

use crate::cli::DesignsCommand;
use crate::failure::Failure;
use crate::output;

/// Lists, shows or compares designs.
///
/// # Errors
///
/// When a design does not exist or its file is wrong.
pub(crate) fn designs(command: Option<&DesignsCommand>) -> Result<(), Failure> {
    let text = match command {
        None | Some(DesignsCommand::List) => list(),
        Some(DesignsCommand::Show { design }) => designs::show(design).map_err(wrong)?,
        Some(DesignsCommand::Diff { a, b }) => designs::diff(a, b).map_err(wrong)?.to_string(),
    };
    output::print(&text)
}

/// A design by name or file.
///
/// # Errors
///
/// When it does not exist, or its file is wrong.
pub(crate) fn resolve(name_or_file: &str) -> Result<Design, Failure> {
    Ok(designs::resolve(name_or_file).map_err(wrong)?.design)
}

/// What a wrong design is told as.
pub(crate) fn wrong(error: DesignError) -> Failure {
    let unknown = matches!(error, DesignError::Unknown { .. });
    let failure = Failure::input(error);
    if unknown { failure.help("`failfirst designs` lists them") } else { failure }
}

fn list() -> String {
    let mut text = String::new();
    for design in designs::list() {
        let _infallible = writeln!(text, "{}  {}\n        {}", design.name, design.title, design.lesson);
    }
    text
}
