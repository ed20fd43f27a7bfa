//! The load generator of a cell, in its own process.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    process::Stdio,
    time::Duration,
};

use ::load::Driven;
use chaos::{Action, FaultPlan};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    process::{ChildStdout, Command},
};

use super::{LocalError, LocalOptions};
use crate::{
    drive::{DrivePlan, DriveReport},
    process::Process,
    world::sim::CellPlan,
};

/// What it is called among the processes of a cell.
pub(crate) const DRIVER: &str = "driver";

/// The running generator.
#[derive(Debug)]
pub(super) struct Driver {
    process: Process,
    said: ChildStdout,
    log: PathBuf,
}

impl Driver {
    /// Starts it, and tells it what to do: from `start` on.
    pub(super) async fn start(
        plan: &CellPlan,
        options: &LocalOptions,
        folder: &Path,
        entrances: Vec<(String, SocketAddr)>,
        start: Duration,
    ) -> Result<Self, LocalError> {
        let log = folder.join(format!("{DRIVER}.log"));
        let failed = |source| LocalError::Start { process: DRIVER.to_owned(), source };
        let mut command = Command::new(&options.program);
        command.arg("drive").stdout(Stdio::piped());
        let mut process = Process::start(DRIVER, command, Some(&log)).map_err(failed)?;
        let said = process.take_stdout().expect("it is a pipe, and nobody took it");
        let plan = DrivePlan {
            entrances,
            balance: plan.load.balance,
            load: plan.load.load.clone(),
            high_priority_share: plan.load.high_priority_share.map(|share| share.get()),
            client_timeout: plan.load.client_timeout,
            seed: plan.seed,
            start,
            duplicates: duplicates(&plan.fault),
        };
        let mut line = serde_json::to_string(&plan).expect("plain data");
        line.push('\n');
        let lifeline = process.lifeline().expect("it is held as long as the process");
        lifeline.write_all(line.as_bytes()).await.map_err(failed)?;
        lifeline.flush().await.map_err(failed)?;
        Ok(Self { process, said, log })
    }

    /// Its process id.
    pub(super) fn id(&self) -> Option<u32> {
        self.process.id()
    }

    /// Waits until the load is over: what became of it.
    pub(super) async fn report(&mut self) -> Result<Driven, LocalError> {
        let mut said = Vec::new();
        let read = self.said.read_to_end(&mut said).await;
        let broke = |reason: String| LocalError::Driver { reason, log: self.log.clone() };
        read.map_err(|error| broke(error.to_string()))?;
        if said.is_empty() {
            let ended = self.process.wait().await.map_err(|error| broke(error.to_string()))?;
            return Err(broke(format!("it ended by itself: {ended}")));
        }
        let report: DriveReport = serde_json::from_slice(&said)
            .map_err(|error| broke(format!("its report is cut off: {error}")))?;
        Ok(report.into())
    }
}

/// The part of a fault that the generator does by itself.
fn duplicates(plan: &FaultPlan) -> Vec<(Duration, f64)> {
    let share = |action: &Action| match action {
        Action::Duplicates { share } => Some(*share),
        Action::EndDuplicates => Some(0.0),
        _ => None,
    };
    plan.steps().iter().filter_map(|step| Some((step.at, share(&step.action)?))).collect()
}
