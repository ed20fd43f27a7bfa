//! The hosts of a simulated platform, and the hand that breaks them.

#[cfg(test)]
mod full_disk;

use std::{
    collections::BTreeMap,
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use broker::{Embedded, Mischief, MischiefControl, Watch};
use chaos::{Action, ChaosError, Direction, Target};
use load::Duplicates;
use node::{
    Node,
    sim::{HostOptions, Latency, SimWorld, Topology, UnknownHost},
};
use platform::{
    Hardship, PlatformState, Ports, ServiceKind, ServiceState,
    design::{Design, Process},
};

use super::{
    CellError,
    disks::{Disks, empty, is_ruined},
};
use crate::{
    collector::{Letters, Witness},
    serve::{BROKER, BrokerUrl, Part, process_list},
    world::{CLIENTS, groups, hosts, work::Work},
};

/// How long a link takes each way: what machines in one data centre are apart. The simulation rounds up
/// to its tick of 1 ms.
const LINK_MIN: Duration = Duration::from_micros(500);
const LINK_MAX: Duration = Duration::from_micros(1_500);

/// The platform's services, each on its host, and the clients on theirs.
#[derive(Debug)]
pub(super) struct Hosts {
    world: SimWorld,
    design: Arc<Design>,
    /// What outlives the processes, by service, whatever process it is in; once for each replica, which share nothing.
    states: Vec<PlatformState>,
    clients: Node,
    /// How many requests the clients send twice.
    duplicates: Duplicates,
    /// What goes wrong at the broker.
    mischief: MischiefControl,
    /// What the broker knows of itself, whichever process of it was the last.
    broker: Arc<Mutex<Option<Watch>>>,
    /// What the processes keep their stores on.
    disks: Disks,
    /// Services that could not start, as they say themselves.
    broken: Arc<Mutex<Vec<(String, io::Error)>>>,
}

impl Hosts {
    /// Builds the world and starts every service.
    pub(super) fn start(
        seed: u64,
        design: Arc<Design>,
        state: &dyn Fn(ServiceKind) -> ServiceState,
        disks: Disks,
    ) -> Self {
        let parts = process_list(&design, true);
        let topology = parts
            .iter()
            .fold(Topology::new(link()), |topology, part| topology.host(&part.name(), disks.host()));
        let world = SimWorld::new(seed, topology.host(CLIENTS, HostOptions::unlimited()));
        let clients = world.node(CLIENTS).expect("the clients' host is part of the topology");
        let replicas = parts.iter().map(|part| part.replica()).max().unwrap_or(1);
        let states = (0..replicas).map(|_| PlatformState::of(state)).collect();
        let duplicates = Duplicates::default();
        let (mischief, broker, broken) = (MischiefControl::default(), Arc::default(), Arc::default());
        let hosts = Self { world, design, states, clients, duplicates, mischief, broker, disks, broken };
        parts.into_iter().for_each(|part| hosts.start_part(part));
        hosts
    }

    /// The host on which all clients live.
    pub(super) const fn clients(&self) -> &Node {
        &self.clients
    }

    /// How many requests the clients send twice, now and from now on.
    pub(super) const fn duplicates(&self) -> &Duplicates {
        &self.duplicates
    }

    /// Every service with what outlives its process, the replicas' under names of their own.
    pub(super) fn states(&self) -> impl Iterator<Item = (String, &ServiceState)> {
        named(&self.design, &self.states)
    }

    /// Whether anything is in work or waits in any service.
    pub(super) fn is_busy(&self) -> bool {
        let work = Work::of(&self.design);
        let gauges = self.states().flat_map(|(_, state)| state.telemetry().gauges());
        gauges.into_iter().any(|(name, gauge)| work.is(name, gauge.now()))
    }

    /// Who knows how far the groups of consumers are behind, where there are any.
    pub(super) fn groups(&self) -> Groups {
        Groups { broker: Arc::clone(&self.broker) }
    }

    /// What the broker has put aside, at the end.
    pub(super) async fn letters(&self) -> Result<Letters, CellError> {
        let mut letters = Letters { poisoned: self.mischief.poisoned(), dead: Vec::new() };
        if self.design.topology != platform::design::Topology::Events {
            return Ok(letters);
        }
        letters.dead = groups::put_aside(&BrokerUrl::Embedded.open(&self.clients).dead_letters).await?;
        Ok(letters)
    }

    /// What every service knows, at the end.
    pub(super) async fn testify(&self) -> Result<Vec<Witness>, CellError> {
        if let Some((service, source)) = self.broken.lock().unwrap_or_else(PoisonError::into_inner).pop() {
            return Err(CellError::Service { service, source });
        }
        let mut states = self.states.clone();
        if self.disks != Disks::Memory {
            for process in self.design.processes() {
                let state = &mut states[process.replica as usize - 1];
                *state = self.after_power_off(state, process).await?;
            }
        }
        let mut testimony = Vec::new();
        for (name, state) in named(&self.design, &states) {
            testimony.push(Witness { name, facts: state.facts().await? });
        }
        Ok(testimony)
    }

    /// What a process finds after one more loss of power: only that counts as kept. In a ruined file that is nothing.
    async fn after_power_off(
        &self,
        state: &PlatformState,
        process: Process,
    ) -> Result<PlatformState, CellError> {
        let (host, known) = (process.name(), "every process has a host");
        self.world.power_off(&host).expect(known);
        self.world.restart(&host).expect(known);
        let node = self.world.node(&host).expect(known);
        match self.disks.open(state, process.kind, &self.design, &node).await {
            Ok(states) => Ok(states),
            Err(error) if is_ruined(&error) => Ok(empty(state, process.kind, &self.design)),
            Err(error) => Err(CellError::Service { service: host, source: io::Error::other(error) }),
        }
    }

    fn start_part(&self, part: Part) {
        match part {
            Part::Service(process) => self.start_process(process),
            Part::Broker => self.start_broker(),
        }
    }

    /// A fresh process of the broker, on what its host's disk holds.
    fn start_broker(&self) {
        let node = self.world.node(BROKER).expect("the broker has a host");
        let (mischief, watched, broken) =
            (self.mischief.clone(), Arc::clone(&self.broker), Arc::clone(&self.broken));
        // Detached: it ends with its host.
        node.clone().spawn(async move {
            match Embedded::open_disturbed(node, broker::Options::default(), mischief).await {
                Ok(embedded) => {
                    *watched.lock().unwrap_or_else(PoisonError::into_inner) = Some(embedded.watch());
                    embedded.serve().await;
                }
                Err(error) => broken
                    .lock()
                    .unwrap_or_else(PoisonError::into_inner)
                    .push((BROKER.to_owned(), io::Error::other(error))),
            }
        });
    }

    /// A fresh process on what the stores of the services in it hold.
    fn start_process(&self, process: Process) {
        let (kind, name) = (process.kind, process.name());
        let node = self.world.node(&name).expect("every process has a host");
        let (design, states) = (Arc::clone(&self.design), self.states[process.replica as usize - 1].clone());
        let (disks, broken) = (self.disks, Arc::clone(&self.broken));
        // Detached: it ends with its host, and returns by itself only when it cannot listen.
        node.clone().spawn(async move {
            let ports = Ports::default();
            let ended = match (disks.open(&states, kind, &design, &node).await, design.topology) {
                // What it had answered is lost, and that is found in the end.
                (Err(error), _) if is_ruined(&error) => Ok(()),
                (Err(error), _) => Err(io::Error::other(error)),
                (Ok(states), platform::design::Topology::Chain) => {
                    platform::run(kind, node, design, states.service(kind).clone(), ports).await
                }
                (Ok(states), platform::design::Topology::Events) => {
                    let broker = BrokerUrl::Embedded.open(&node).broker;
                    let state = states.service(kind).clone().with_broker(broker);
                    platform::run(kind, node, design, state, ports).await
                }
                (Ok(states), platform::design::Topology::Monolith) => {
                    platform::run_monolith(node, design, states, ports).await
                }
            };
            if let Err(error) = ended {
                broken.lock().unwrap_or_else(PoisonError::into_inner).push((name, error));
            }
        });
    }

    fn restart(&self, host: &str) -> Result<(), UnknownHost> {
        if self.world.is_running(host)? {
            return Ok(());
        }
        self.world.restart(host)?;
        if let Some(part) = process_list(&self.design, true).into_iter().find(|part| part.name() == host) {
            self.start_part(part);
        }
        Ok(())
    }

    fn set_hardship(&self, hardship: Hardship) {
        for (_, state) in self.states() {
            state.hardship().set(hardship).expect("a fault plan holds valid values only");
        }
    }

    fn set_latency(&self, a: &str, b: &str, latency: Latency) -> Result<(), UnknownHost> {
        self.world.set_latency(a, b, latency)?;
        self.world.set_latency(b, a, latency)
    }

    fn change(&self, action: &Action) -> Result<(), UnknownHost> {
        match action {
            Action::Hardship { slowdown, failure_rate } => {
                self.set_hardship(Hardship { slowdown: *slowdown, failure_rate: *failure_rate });
                Ok(())
            }
            Action::EndHardship => {
                self.set_hardship(Hardship::default());
                Ok(())
            }
            Action::PowerOff { host } => self.world.power_off(host),
            Action::Kill { host } => self.world.kill(host),
            Action::Restart { host } => self.restart(host),
            Action::Partition { a, b, direction: Direction::Both } => self.world.partition(a, b),
            Action::Partition { a, b, direction: Direction::AToB } => self.world.cut(a, b),
            Action::Partition { a, b, direction: Direction::BToA } => self.world.cut(b, a),
            Action::Hold { a, b } => {
                self.world.hold(a, b)?;
                self.world.hold(b, a)
            }
            Action::Heal { a, b } | Action::Release { a, b } => self.world.heal(a, b),
            Action::Latency { a, b, min, max } => {
                let latency = Latency::uniform(*min, *max).expect("a fault plan holds valid values only");
                self.set_latency(a, b, latency)
            }
            Action::EndLatency { a, b } => self.set_latency(a, b, link()),
            Action::ClockJump { host, by } => self.world.jump_clock(host, by.us()),
            Action::Duplicates { share } => {
                self.duplicates.set(*share);
                Ok(())
            }
            Action::Events { duplicated, reordered, poisoned } => {
                let (duplicated, reordered, poisoned) = (*duplicated, *reordered, *poisoned);
                self.mischief.set(Mischief { duplicated, reordered, poisoned });
                Ok(())
            }
            Action::EndEvents => {
                self.mischief.set(Mischief::default());
                Ok(())
            }
            Action::EndDuplicates => {
                self.duplicates.set(0.0);
                Ok(())
            }
        }
    }
}

/// The groups of consumers as the broker sees them.
#[derive(Clone, Debug)]
pub(super) struct Groups {
    broker: Arc<Mutex<Option<Watch>>>,
}

impl Groups {
    /// How far each is behind, by its gauge; nothing without a broker.
    pub(super) fn gauges(&self) -> BTreeMap<String, u64> {
        let broker = self.broker.lock().unwrap_or_else(PoisonError::into_inner);
        broker.as_ref().map(|watch| groups::gauges(&watch.facts())).unwrap_or_default()
    }

    /// Whether any is.
    pub(super) fn are_behind(&self) -> bool {
        self.gauges().values().any(|lag| *lag > 0)
    }
}

impl Target for Hosts {
    async fn apply(&self, action: &Action) -> Result<(), ChaosError> {
        self.change(action).map_err(|UnknownHost { name, .. }| ChaosError::UnknownHost {
            host: name,
            known: hosts(&self.design),
        })
    }
}

/// Every service of every replica with its state.
fn named<'a>(
    design: &'a Design,
    replicas: &'a [PlatformState],
) -> impl Iterator<Item = (String, &'a ServiceState)> {
    let name = |replica, state: &ServiceState| {
        Process { kind: design.topology.home(state.kind()), replica }.part(state.kind())
    };
    (1..).zip(replicas).flat_map(move |(replica, states)| {
        let there =
            states.services(design.topology).filter(move |state| replica <= design.replicas_of(state.kind()));
        there.map(move |state| (name(replica, state), state))
    })
}

fn link() -> Latency {
    Latency::uniform(LINK_MIN, LINK_MAX).expect("the bounds are in order")
}
