//! The services of a cell as processes, and the hand that breaks them.
//!
//! One that ends although nobody ended it fails the cell.

use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    time::Duration,
};

use broker::Mischief;
use chaos::{Action, ChaosError, Target};
use node::Node;
use platform::{Hardship, ServiceKind, design::Design};

use super::{
    LocalError, LocalOptions,
    admin::{Admin, Gauges},
    deed::Deed,
    host::{Host, LAST_WORDS_WITHIN},
    ports,
    preflight::Machine,
    testimony,
};
use crate::{
    collector::{Letters, Witness},
    process::{ServeCommand, until_ready},
    serve::{BrokerUrl, Part, Served, StoreUrl, process_list},
    world::{groups, hosts, sim::CellPlan},
};

/// How long a service may take until it is ready for the first time.
pub(super) const READY_WITHIN: Duration = Duration::from_secs(20);
/// How often it is looked whether every process is still there.
const LOOK_EVERY: Duration = Duration::from_millis(50);

/// How long a process may take to finish what it took on, when it is asked to stop.
const GRACE: &str = "3s";

/// A cell of more orders is not counted order by order: the books would be what grows in a soak.
const JOURNALLED_ORDERS_MAX: usize = 100_000;

/// The processes of a cell.
#[derive(Debug)]
pub(super) struct Hosts {
    hosts: Vec<Host>,
    known: Vec<String>,
    /// What payment suffers, also in the next process.
    hardship: Cell<Hardship>,
    /// What is to go wrong at the broker, also at the next one.
    mischief: Cell<Mischief>,
    /// What brokers that were killed had published although nobody can read it, by topic.
    poisoned_before: RefCell<BTreeMap<String, u64>>,
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
            let command = ServeCommand {
                program: options.program.clone(),
                part,
                design: design.clone().into(),
                listen: local(own_ports[index]),
                admin_port: Some(admin_ports[index]),
                peers: peers.clone(),
                seed: plan.seed,
                more: ["--die-with-parent", "--grace", GRACE, "--journal", &journal].map(Into::into).to_vec(),
                places: StoreUrl::Redb(folder.join("data").join(&name)).into(),
                log: Some(folder.join(format!("{name}.log"))),
            };
            Host::new(command, Admin::new(local(admin_ports[index]), part, plan.design.topology))
        };
        let all = Self {
            hosts: parts.iter().enumerate().map(host).collect(),
            known: hosts(&plan.design),
            hardship: Cell::default(),
            mischief: Cell::default(),
            poisoned_before: RefCell::default(),
        };
        let clock = Node::real(node::RealOptions::default());
        tokio::select! {
            biased;
            died = all.first_to_die(&clock) => Err(died),
            ready = all.begin() => ready,
        }?;
        Ok(all)
    }

    /// The broker first: a service that finds none tries again later and later.
    async fn begin(&self) -> Result<(), LocalError> {
        let (broker, services): (Vec<_>, Vec<_>) =
            self.hosts.iter().partition(|host| host.part == Part::Broker);
        for together in [broker, services] {
            together.iter().try_for_each(|host| host.start(self.hardship.get()))?;
            ready(&together).await?;
        }
        Ok(())
    }

    /// Where clients place their orders, by name.
    pub(super) fn entrances(&self) -> Vec<(String, SocketAddr)> {
        let doors =
            self.hosts.iter().filter(|host| host.part.served() == Served::Service(ServiceKind::OrderApi));
        doors.map(|host| (host.name().to_owned(), host.listen())).collect()
    }

    /// All of them.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Host> {
        self.hosts.iter()
    }

    /// Waits until a process ends although nobody ended it. Cancel safe.
    pub(super) async fn first_to_die(&self, clock: &Node) -> LocalError {
        loop {
            if let Some((host, status)) = self.hosts.iter().find_map(|host| Some((host, host.died()?))) {
                return LocalError::Died { process: host.name().to_owned(), status, log: host.log() };
            }
            clock.sleep(LOOK_EVERY).await;
        }
    }

    /// What every service knows at the end, with what its killed instances knew and what was seen meanwhile.
    pub(super) async fn testify(&self, seen: &Gauges) -> Result<Vec<Witness>, LocalError> {
        let mut all = Vec::new();
        for host in &self.hosts {
            let failed = |source| LocalError::Testimony { process: host.name().to_owned(), source };
            let last = match host.is_up() {
                true => host.admin.final_facts().await.map_err(failed)?,
                false => Vec::new(),
            };
            let before = host.before();
            if let Part::Service(process) = host.part {
                all.extend(testimony::joined(process, before, last, seen));
            }
        }
        Ok(all)
    }

    /// Stops all of them in good order, the entrance first, and those that do not by force.
    pub(super) async fn stop(self, within: Duration) {
        for host in self.hosts {
            if let Some(mut process) = host.into_process() {
                process.stop(within).await;
            }
        }
    }

    /// What the broker has put aside, and what it published although nobody can read it.
    pub(super) async fn letters(&self, lab: &Node) -> Result<Letters, LocalError> {
        self.remember_poison().await;
        let poisoned = self.poisoned_before.take();
        let Some(broker) = self.broker().filter(|broker| broker.is_up()) else {
            return Ok(Letters { poisoned, ..Letters::default() });
        };
        let dead_letters = BrokerUrl::EmbeddedAt(broker.listen()).open(lab).dead_letters;
        Ok(Letters { poisoned, dead: groups::put_aside(&dead_letters).await? })
    }

    fn broker(&self) -> Option<&Host> {
        self.hosts.iter().find(|host| host.part == Part::Broker)
    }

    fn host(&self, name: &str) -> Result<&Host, ChaosError> {
        self.hosts
            .iter()
            .find(|host| host.name() == name)
            .ok_or_else(|| ChaosError::UnknownHost { host: name.to_owned(), known: self.known.clone() })
    }

    /// Payment that is there suffers it, and payment that is not will from its start.
    async fn set_hardship(&self, hardship: Hardship) -> Result<(), String> {
        self.hardship.set(hardship);
        let is_payment = |host: &&Host| host.admin.parts().any(|part| part == ServiceKind::PaymentService);
        for host in self.hosts.iter().filter(is_payment).filter(|host| host.is_up()) {
            host.admin.set_hardship(&hardship).await.map_err(|error| error.to_string())?;
        }
        Ok(())
    }

    /// The broker that is there does it, and the next one will as soon as it is.
    async fn set_mischief(&self, mischief: Mischief) -> Result<(), String> {
        self.mischief.set(mischief);
        match self.broker().filter(|broker| broker.is_up()) {
            Some(broker) => broker.admin.set_mischief(&mischief).await.map_err(|error| error.to_string()),
            None => Ok(()),
        }
    }

    /// Asks the broker for what only its process knows.
    async fn remember_poison(&self) {
        let Some(broker) = self.broker().filter(|broker| broker.is_up()) else { return };
        for (topic, count) in broker.admin.poisoned(LAST_WORDS_WITHIN).await.unwrap_or_default() {
            *self.poisoned_before.borrow_mut().entry(topic).or_default() += count;
        }
    }

    /// The hand that breaks it is about to take a process away.
    async fn taken(&self, name: &str) -> Result<&Host, ChaosError> {
        let host = self.host(name)?;
        if host.part == Part::Broker {
            self.remember_poison().await;
        }
        Ok(host)
    }

    /// A fresh process, which is disturbed as the one before it was.
    async fn restart(&self, name: &str) -> Result<(), String> {
        let host = self.host(name).map_err(|error| error.to_string())?;
        host.restart(self.hardship.get()).await?;
        if host.part == Part::Broker && self.mischief.get() != Mischief::default() {
            ready(&[host]).await.map_err(|error| error.to_string())?;
            self.set_mischief(self.mischief.get()).await?;
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
            Deed::Mischief(mischief) => self.set_mischief(mischief).await,
            Deed::Stop(host) => self.taken(host).await?.stop().await,
            Deed::Kill(host) => self.taken(host).await?.kill().await,
            Deed::Restart(host) => self.restart(host).await,
            Deed::Generators => Ok(()),
        };
        done.map_err(|reason| ChaosError::Failed { action: action.to_string(), reason })
    }
}

/// Waits until all of them have what they need, and their admin ports answer.
async fn ready(hosts: &[&Host]) -> Result<(), LocalError> {
    for host in hosts {
        let both = async {
            until_ready(host.listen()).await;
            // The admin port has its own listener.
            while host.admin.gauges().await.is_err() {
                tokio::time::sleep(LOOK_EVERY).await;
            }
        };
        tokio::time::timeout(READY_WITHIN, both).await.map_err(|_| LocalError::NotAlive {
            process: host.name().to_owned(),
            within_s: READY_WITHIN.as_secs(),
            log: host.log(),
        })?;
    }
    Ok(())
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
