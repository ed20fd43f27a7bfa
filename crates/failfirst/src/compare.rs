//! `failfirst compare`: two records side by side.

use std::path::Path;

use anyhow::Context as _;
use lab::evidence::record::Record;

use crate::cli::CompareArgs;
use crate::failure::Failure;
use crate::output::{self, Screen};

/// Prints what changed from one record to the other.
///
/// # Errors
///
/// When one of them cannot be read, or is no record.
pub(crate) fn compare(args: &CompareArgs) -> Result<(), Failure> {
    let (a, b) = (read(&args.a)?, read(&args.b)?);
    let names = [&args.a, &args.b].map(|path| path.display().to_string());
    let comparison = report::compare(&a, &b, [&names[0], &names[1]]);
    if args.json {
        let json = serde_json::to_string_pretty(&comparison).expect("a comparison is plain JSON");
        return output::print(&format!("{json}\n"));
    }
    let screen = Screen::of_stdout();
    output::print(&comparison.text(screen.width, screen.colour))
}

/// Reads a record that a run has written.
///
/// # Errors
///
/// When it cannot be read, or is no record.
pub(crate) fn read(path: &Path) -> Result<Record, Failure> {
    std::fs::read_to_string(path)
        .map_err(anyhow::Error::new)
        .and_then(|text| Ok(Record::from_json(&text)?))
        .with_context(|| format!("cannot read the record {}", path.display()))
        .map_err(|error| {
            Failure::input(error).help("a record is the ladder.json or run.json that a run writes")
        })
}
