//! The services of a cell as processes, and the hand that breaks them.
//!
//! A process is up, stopped where it stands (its power is off), or gone. Whichever it is, its ports, its data and its
//! name remain, so that the next one goes on where it was. One that ends although nobody ended it fails the cell.

use std::{
    cell::RefCell,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::ExitStatus,
    time::Duration,
};

use chaos::{Action, ChaosError, Target};
use node::{Node, ProcessUsage};
use platform::{Hardship, ServiceFacts, ServiceKind, design::Design};

use super::{
    LocalError, LocalOptions,
    admin::{Admin, Gauges},
    deed::Deed,
    ports,
    preflight::Machine,
    testimony,
};
use crate::{
    collector::Witness,
    process::{Process, ServeCommand, until_alive},
    serve::{Part, Served, StoreUrl, process_list},
    world::{hosts, sim::CellPlan},
};

/// How long a service may take until it answers for the first time.
const READY_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked whether every process is still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);
/// How long a process may take to tell what only it knows, before it is killed.
const LAST_WORDS_WITHIN: Duration = Duration::from_millis(500);

/// How long a process may take to finish what it took on, when it is asked to stop.
const GRACE: &str = "3s";

/// A cell of more orders is not counted order by order: the books would be what grows in a soak.
const JOURNALLED_ORDERS_MAX: usize = 100_000;

/// The processes of a cell.
#[derive(Debug)]
pub(super) struct Hosts {
    hosts: Vec<Host>,
    known: Vec<String>,
}

/// One process, whichever instance of it.
#[derive(Debug)]
pub(super) struct Host {
    name: String,
    part: Part,
    command: ServeCommand,
    pub(super) admin: Admin,
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

impl Hosts {
    /// Starts every service on free ports and fresh data, and waits until all of them answer.
    pub(super) async fn start(
        plan: &CellPlan,
        options: &LocalOptions,
        folder: &Path,
    ) -> Result<Self, LocalError> {
        let design = design_file(&plan.design, folder)?;
        let parts = process_list(&plan.design, true);
        let ports = ports::free(2 * parts.len(), Machine::of(folder).ports)?;
        let local = |port: u16| SocketAddr::from((Ipv4Addr::LOCALHOST, port));
        let (own_ports, admin_ports) = ports.split_at(parts.len());
        // Services call each other by their names; only clients know of replicas.
        let first = parts.iter().zip(own_ports).filter(|(part, _)| part.replica() == 1);
        let peers: Vec<_> = first.map(|(part, &port)| (part.name(), local(port))).collect();
        let journal = journalled_orders(plan).to_string();
        let host = |(index, &part): (usize, &Part)| {
            let name = part.name();
            let data = folder.join("data").join(&name);
            Host {
                part,
                command: ServeCommand {
                    program: options.program.clone(),
                    part,
                    design: design.clone().into(),
                    listen: local(own_ports[index]),
                    admin_port: Some(admin_ports[index]),
                    peers: peers.clone(),
                    seed: plan.seed,
                    more: ["--die-with-parent", "--grace", GRACE, "--journal", &journal]
                        .map(Into::into)
                        .to_vec(),
                    places: StoreUrl::Redb(data).into(),
                    log: Some(folder.join(format!("{name}.log"))),
                },
                admin: Admin::new(local(admin_ports[index]), part, plan.design.topology),
                name,
                state: RefCell::default(),
            }
        };
        let all = Self { hosts: parts.iter().enumerate().map(host).collect(), known: hosts(&plan.design) };
        for host in &all.hosts {
            host.start()?;
        }
        let clock = Node::real(node::RealOptions::default());
        tokio::select! {
            biased;
            died = all.first_to_die(&clock) => Err(died),
            ready = all.ready() => ready,
        }?;
        Ok(all)
    }

    async fn ready(&self) -> Result<(), LocalError> {
        for host in &self.hosts {
            let both = async {
                until_alive(host.command.listen).await;
                // The admin port has its own listener.
                while host.admin.gauges().await.is_err() {
                    tokio::time::sleep(LOOK_EVERY).await;
                }
            };
            tokio::time::timeout(READY_WITHIN, both).await.map_err(|_| LocalError::NotAlive {
                process: host.name.clone(),
                within_s: READY_WITHIN.as_secs(),
                log: host.log(),
            })?;
        }
        Ok(())
    }

    /// Where clients place their orders, by name.
    pub(super) fn entrances(&self) -> Vec<(String, SocketAddr)> {
        let doors =
            self.hosts.iter().filter(|host| host.part.served() == Served::Service(ServiceKind::OrderApi));
        doors.map(|host| (host.name.clone(), host.command.listen)).collect()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter()
    }

    /// Waits until a process ends although nobody ended it. Cancel safe.
    pub(super) async fn first_to_die(&self, clock: &Node) -> LocalError {
        loop {
            if let Some((host, status)) = self.hosts.iter().find_map(|host| Some((host, host.died()?))) {
                return LocalError::Died { process: host.name.clone(), status, log: host.log() };
            }
            clock.sleep(LOOK_EVERY).await;
        }
    }

    /// What every service knows at the end, with what its killed instances knew and what was seen meanwhile.
    pub(super) async fn testify(&self, seen: &Gauges) -> Result<Vec<Witness>, LocalError> {
        let mut all = Vec::new();
        for host in &self.hosts {
            let failed = |source| LocalError::Testimony { process: host.name.clone(), source };
            let last = match host.is_up() {
                true => host.admin.final_facts().await.map_err(failed)?,
                false => Vec::new(),
            };
            let before = host.state.borrow().before.clone();
            if let Part::Service(process) = host.part {
                all.extend(testimony::joined(process, before, last, seen));
            }
        }
        Ok(all)
    }

    /// Stops all of them in good order, the entrance first, and those that do not by force.
    pub(super) async fn stop(self, within: Duration) {
        for host in self.hosts {
            if let Some(mut process) = host.state.into_inner().process {
                process.stop(within).await;
            }
        }
    }

    fn host(&self, name: &str) -> Result<&Host, ChaosError> {
        self.hosts
            .iter()
            .find(|host| host.name == name)
            .ok_or_else(|| ChaosError::UnknownHost { host: name.to_owned(), known: self.known.clone() })
    }

    async fn set_hardship(&self, hardship: Hardship) -> Result<(), String> {
        let is_payment = |host: &&Host| host.admin.parts().any(|part| part == ServiceKind::PaymentService);
        for host in self.hosts.iter().filter(is_payment).filter(|host| host.is_up()) {
            host.admin.set_hardship(&hardship).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }
}

impl Target for Hosts {
    async fn apply(&self, action: &Action) -> Result<(), ChaosError> {
        let Some(deed) = Deed::of(action) else {
            return Err(ChaosError::Unsupported { action: action.to_string() });
        };
        let done = match deed {
            Deed::Hardship(hardship) => self.set_hardship(hardship).await,
            Deed::Stop(host) => self.host(host)?.stop().await,
            Deed::Kill(host) => self.host(host)?.kill().await,
            Deed::Restart(host) => self.host(host)?.restart().await,
            Deed::Generators => Ok(()),
        };
        done.map_err(|reason| ChaosError::Failed { action: action.to_string(), reason })
    }
}

impl Host {
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

    fn log(&self) -> PathBuf {
        self.command.log.clone().expect("every process of a cell has one")
    }

    fn start(&self) -> Result<(), LocalError> {
        let started = self.command.start();
        let process = started.map_err(|source| LocalError::Start { process: self.name.clone(), source })?;
        if let Some(id) = process.id() {
            limit_descriptors(id);
        }
        let mut state = self.state.borrow_mut();
        (state.process, state.power) = (Some(process), Power::Up);
        Ok(())
    }

    /// How it ended, if it did although it should be there.
    fn died(&self) -> Option<ExitStatus> {
        let mut state = self.state.borrow_mut();
        match state.power {
            Power::Up | Power::Stopped => state.process.as_mut()?.ended().ok()?,
            Power::Gone => None,
        }
    }

    /// The power is off: it stands still, whatever it was doing.
    async fn stop(&self) -> Result<(), String> {
        if self.is_up() {
            self.remember().await;
            signal::stop(self.state.borrow().process.as_ref().and_then(Process::id))?;
            self.state.borrow_mut().power = Power::Stopped;
        }
        Ok(())
    }

    async fn kill(&self) -> Result<(), String> {
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
    async fn restart(&self) -> Result<(), String> {
        if self.is_up() {
            return Ok(());
        }
        self.kill().await?;
        self.start().map_err(|error| error.to_string())
    }

    /// Asks what only the process knows. Its stores are asked again at the end; what it does not say in time is lost.
    async fn remember(&self) {
        if let Ok(facts) = self.admin.facts(LAST_WORDS_WITHIN).await {
            self.state.borrow_mut().before.extend(facts);
        }
    }
}

/// Of how many orders the services count one by one how often they tried to be paid: of all or of none.
fn journalled_orders(plan: &CellPlan) -> usize {
    let load = &plan.load.load;
    let orders = (load.peak_per_s() * load.duration().get().as_secs_f64()).ceil() as usize;
    if orders <= JOURNALLED_ORDERS_MAX { JOURNALLED_ORDERS_MAX } else { 0 }
}

/// The resolved design as a file, so that a variant that stands inside an experiment can be served as well. Its name
/// has to be one that a file may have.
fn design_file(design: &Design, folder: &Path) -> Result<PathBuf, LocalError> {
    let plain = |c: char| if c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_') { c } else { '-' };
    let named = Design { name: design.name.chars().map(plain).collect(), ..design.clone() };
    let path = folder.join("design.toml");
    let text = toml::to_string(&named).expect("a design is plain TOML");
    std::fs::write(&path, text).map_err(|source| LocalError::folder(folder, source))?;
    Ok(path)
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
