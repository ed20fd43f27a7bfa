//! `failfirst drive`: the load of a local cell in this process. Started by the cell, never by people.

use anyhow::Context as _;
use lab::drive::DrivePlan;
use lab::process::die_with_parent;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};

use crate::failure::Failure;
use crate::output;

/// Reads the plan, asks, and prints what became of it. Ends without a word when whoever started it is gone.
///
/// # Errors
///
/// When there is no plan, when it is too late for it, or when the report cannot be written.
pub(crate) fn drive() -> Result<(), Failure> {
    die_with_parent();
    // One thread is enough for several thousand orders a second, and leaves the other processors to the services.
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("cannot start the runtime")
        .map_err(Failure::stopped)?;
    let report = runtime.block_on(async {
        let mut stdin = BufReader::new(tokio::io::stdin());
        let mut line = String::new();
        stdin.read_line(&mut line).await.context("no plan on standard input").map_err(Failure::input)?;
        let plan: DrivePlan =
            serde_json::from_str(&line).context("standard input has no plan").map_err(Failure::input)?;
        let abandoned = async {
            let mut ignored = [0; 64];
            while matches!(stdin.read(&mut ignored).await, Ok(1..)) {}
        };
        tokio::select! {
            biased;
            () = abandoned => Ok(None),
            report = lab::drive::drive(plan) => {
                report.map(Some).context("cannot drive the load").map_err(Failure::stopped)
            }
        }
    });
    // The thread that reads standard input is not waited for.
    runtime.shutdown_background();
    match report? {
        Some(report) => output::print(&report),
        None => Ok(()),
    }
}
