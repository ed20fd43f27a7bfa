//! One process of a cell, whichever instance of it, and what can be done to it.
//!
//! It is up, stopped where it stands (its power is off), or gone. Whichever it is, its ports, its data and its name remain,
//! so that the next one goes on where it was.

use std::{cell::RefCell, net::SocketAddr, path::PathBuf, process::ExitStatus, time::Duration};

use node::ProcessUsage;
use platform::{Hardship, ServiceFacts};

use super::{LocalError, admin::Admin};
use crate::{
    process::{Process, ServeCommand},
    serve::Part,
};

/// How long a process may take to tell what only it knows, before it is killed.
pub(super) const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);

/// One process, whichever instance of it.
#[derive(Debug)]
pub(super) struct Host {
    pub(super) part: Part,
    pub(super) admin: Admin,
    name: String,
    command: ServeCommand,
    state: RefCell<State>,
}

#[derive(Debug, Default)]
struct State {
    process: Option<Process>,
    power: Power,
    /// What instances that were killed had known.
    before: Vec<ServiceFacts>,
}

/// Whether a process can be expected to answer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Power {
    #[default]
    Up,
    Stopped,
    Gone,
}

impl Host {
    /// One that was not started yet.
    pub(super) fn new(command: ServeCommand, admin: Admin) -> Self {
        let part = command.part;
        Self { part, admin, name: part.name(), command, state: RefCell::default() }
    }

    /// Where it listens.
    pub(super) const fn listen(&self) -> SocketAddr {
        self.command.listen
    }

    /// What its instances that were killed had known.
    pub(super) fn before(&self) -> Vec<ServiceFacts> {
        self.state.borrow().before.clone()
    }

    /// The process, if there is one.
    pub(super) fn into_process(self) -> Option<Process> {
        self.state.into_inner().process
    }

    /// What it is called.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// Whether it can be expected to answer.
    pub(super) fn is_up(&self) -> bool {
        self.state.borrow().power == Power::Up
    }

    /// What its process uses, and which process that is; `None` when there is none.
    pub(super) fn usage(&self) -> Option<(u32, ProcessUsage)> {
        let id = self.state.borrow().process.as_ref()?.id()?;
        Some((id, ProcessUsage::of(id)?))
    }

    /// Where it says what it says.
    pub(super) fn log(&self) -> PathBuf {
        self.command.log.clone().expect("every process of a cell has one")
    }

    /// Starts it, under the hardship that is in force: it holds before the first payment.
    pub(super) fn start(&self, hardship: Hardship) -> Result<(), LocalError> {
        let started = suffering(self.command.clone(), hardship).start();
        let process = started.map_err(|source| LocalError::Start { process: self.name.clone(), source })?;
        if let Some(id) = process.id() {
            limit_descriptors(id);
        }
        let mut state = self.state.borrow_mut();
        (state.process, state.power) = (Some(process), Power::Up);
        Ok(())
    }

    /// How it ended, if it did although it should be there.
    pub(super) fn died(&self) -> Option<ExitStatus> {
        let mut state = self.state.borrow_mut();
        match state.power {
            Power::Up | Power::Stopped => state.process.as_mut()?.ended().ok()?,
            Power::Gone => None,
        }
    }

    /// The power is off: it stands still, whatever it was doing.
    pub(super) async fn stop(&self) -> Result<(), String> {
        if self.is_up() {
            self.remember().await;
            signal::stop(self.state.borrow().process.as_ref().and_then(Process::id))?;
            self.state.borrow_mut().power = Power::Stopped;
        }
        Ok(())
    }

    /// It is gone.
    pub(super) async fn kill(&self) -> Result<(), String> {
        if self.is_up() {
            self.remember().await;
        }
        let process = {
            let mut state = self.state.borrow_mut();
            state.power = Power::Gone;
            state.process.take()
        };
        if let Some(mut process) = process {
            process.kill().await;
        }
        Ok(())
    }

    /// A fresh process, unless one is up: one whose power was off lost its memory only now.
    pub(super) async fn restart(&self, hardship: Hardship) -> Result<(), String> {
        if self.is_up() {
            return Ok(());
        }
        self.kill().await?;
        self.start(hardship).map_err(|error| error.to_string())
    }

    /// Asks what only the process knows. Its stores are asked again at the end; what it does not say in time is lost.
    async fn remember(&self) {
        if let Ok(facts) = self.admin.facts(LAST_WORDS_WITHIN).await {
            self.state.borrow_mut().before.extend(facts);
        }
    }
}

/// The command that gives the process the hardship, if there is any. Who has no payment in it pays it no heed.
fn suffering(mut command: ServeCommand, hardship: Hardship) -> ServeCommand {
    if hardship != Hardship::default() {
        let json = serde_json::to_string(&hardship).expect("plain data");
        command.more.extend(["--hardship".into(), json.into()]);
    }
    command
}

/// A process of this world may have as many descriptors as a host of the simulated one, so that a design that takes in
/// without bound meets the same wall; where the system does not let it be set, its own limit holds.
fn limit_descriptors(id: u32) {
    #[cfg(target_os = "linux")]
    {
        use rustix::process::{Pid, Resource, Rlimit, prlimit};
        let most = node::sim::HostOptions::default().descriptors_max as u64;
        let pid = i32::try_from(id).ok().and_then(Pid::from_raw);
        let _refused = prlimit(pid, Resource::Nofile, Rlimit { current: Some(most), maximum: Some(most) });
    }
}

/// Signals to a child that was not waited for yet, whose id is therefore nobody else's.
mod signal {
    #[cfg(unix)]
    pub(super) fn stop(id: Option<u32>) -> Result<(), String> {
        use rustix::process::{Pid, Signal, kill_process};
        let pid = id.and_then(|id| i32::try_from(id).ok()).and_then(Pid::from_raw);
        let pid = pid.ok_or("the process is gone already")?;
        kill_process(pid, Signal::STOP).map_err(|error| error.to_string())
    }

    #[cfg(not(unix))]
    pub(super) fn stop(_id: Option<u32>) -> Result<(), String> {
        Err("this system cannot stop a process where it stands".to_owned())
    }
}
