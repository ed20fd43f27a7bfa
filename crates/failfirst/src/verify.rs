//! `failfirst verify`: a campaign of random schedules, from its seeds to its findings.

use std::path::Path;

use lab::runner::LabError;
use lab::verify::{self, VerifyOptions};

use crate::cli::VerifyArgs;
use crate::experiment::broken;
use crate::failure::Failure;
use crate::output::{self, OutDir, Screen};
use crate::progress::Bar;

/// What the campaign's record is called.
const RECORD: &str = "verify.json";

/// Runs the schedules.
///
/// # Errors
///
/// When a design is unknown or wrong, when the record cannot be written, or when an invariant is broken.
pub(crate) fn verify(args: &VerifyArgs) -> Result<(), Failure> {
    let mut options = VerifyOptions::new(args.designs.clone(), args.seeds.0.clone());
    if let Some(jobs) = args.jobs {
        options.threads = jobs;
    }
    let folder = args.out.clone().unwrap_or_else(|| Path::new("out").join("verify"));
    options.check().map_err(LabError::Usage).map_err(broken)?;
    let out = OutDir::claim(&folder, &[RECORD])?;
    let campaign = {
        let bar = Bar::over("schedules");
        verify::verify(&options, &bar).map_err(broken)?
    };
    let json = campaign.to_json();
    let written = out.write(&[(RECORD, &json)])?;
    if args.json {
        output::print(&json)?;
    } else {
        let Screen { width, colour } = Screen::of_stdout();
        let mut text = report::terminal::campaign(&campaign, width, colour);
        text.push('\n');
        for path in written {
            text.push_str(&format!("record  {}\n", path.display()));
        }
        output::print(&text)?;
    }
    if campaign.found_something() { Err(Failure::NotAsExpected) } else { Ok(()) }
}
