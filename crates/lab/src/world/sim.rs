//! The simulated world: one cell on one paused `current_thread` runtime.
//!
//! The cell's course, in virtual time: the services start; a second later the load and the fault plan
//! begin, and a sampler reads the gauges at the end of every second; when the last client is answered
//! (at the latest its timeout after the load), the world runs on until nothing moves any more. Then
//! everything testifies, and the world is gone with its runtime. Nothing is shared between cells, so
//! that they can run at the same time on other threads and still leave the same bytes.

mod disks;
mod hosts;
mod sampler;

use std::{
    io,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use chaos::{ChaosError, FaultPlan, inject};
use domain::{StoreError, broker::BrokerError};
use evidence::{
    CellMeta, Detail, assess,
    facts::{Facts, Told},
    record::Cell,
};
use load::DriveOptions;
use node::Node;
use platform::{Hardship, ServiceKind, ServiceState, design::Design};

pub(crate) use self::disks::Disks;
use self::{hosts::Hosts, sampler::Sampler};
use crate::{
    collector::{Testimony, collect},
    experiment::NamedLoad,
    world::{ask, local::LocalError, orders, targets},
};

/// When the load begins, from the beginning of the world: a whole second, so that the services' seconds
/// are the load's; by then all of them listen.
const LOAD_START: Duration = Duration::from_secs(1);

/// The latest end of a run, from the start of the load.
const RUN_MAX: Duration = Duration::from_secs(300);

/// How long nothing may move before a run is at rest: longer than any order is on its way between two
/// services without being counted in one of them, retransmissions aside.
pub(crate) const REST: Duration = Duration::from_secs(1);

/// How long it takes until an event that nobody settles comes again by itself, whatever the design: where a group is
/// behind and nothing moves, so long it is waited for. What nobody can deal with comes again for ever.
const COMES_AGAIN: Duration = Duration::from_secs(20);

/// How often the world looks whether it is at rest.
const REST_CHECK: Duration = Duration::from_millis(100);

/// One design under one load and one fault with one seed.
#[derive(Clone, Debug)]
pub(crate) struct CellPlan {
    pub(crate) design: Arc<Design>,
    pub(crate) fault: FaultPlan,
    pub(crate) load: NamedLoad,
    pub(crate) slo: Duration,
    pub(crate) seed: u64,
    /// How long nothing may move before the run is at rest; [`REST`] unless somebody waits for stragglers.
    pub(crate) rest: Duration,
    /// Whether the cell carries what every request took.
    pub(crate) responses: bool,
}

/// What a cell is put together from. Tests put faulty parts in.
#[derive(Clone)]
pub(crate) struct Wiring {
    /// Makes what outlives a service's process.
    pub(crate) state: Arc<dyn Fn(ServiceKind) -> ServiceState>,
    /// Where notices reach the customers. No service sends any yet.
    pub(crate) inbox: Inbox,
    /// What the services keep their stores on.
    pub(crate) disks: Disks,
}

/// The notices that reached customers.
pub(crate) type Inbox = Arc<Mutex<Vec<Told>>>;

impl Wiring {
    /// Stores in files on simulated disks.
    pub(crate) fn on_disks() -> Self {
        Self { disks: Disks::Redb, ..Self::default() }
    }
}

impl Default for Wiring {
    fn default() -> Self {
        Self { state: Arc::new(ServiceState::new), inbox: Inbox::default(), disks: Disks::Memory }
    }
}

/// Why a cell could not be run.
#[derive(Debug, thiserror::Error)]
pub(crate) enum CellError {
    #[error("no runtime")]
    Runtime(#[source] io::Error),
    #[error("the fault could not be injected")]
    Fault(#[from] ChaosError),
    #[error("{service} could not be started")]
    Service { service: String, source: io::Error },
    #[error(transparent)]
    Local(#[from] LocalError),
    #[error("a store could not be read")]
    Store(#[from] StoreError),
    #[error("the dead letters could not be read")]
    Letters(#[from] BrokerError),
}

/// Runs the cell from beginning to end and judges it.
pub(crate) fn run(plan: &CellPlan) -> Result<Cell, CellError> {
    let facts = judged(plan, testify(plan, &Wiring::default())?);
    Ok(cell(plan, &facts))
}

/// Runs the cell from beginning to end: what all sides testify.
pub(crate) fn testify(plan: &CellPlan, wiring: &Wiring) -> Result<Testimony, CellError> {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    let runtime = builder.enable_time().start_paused(true).build().map_err(CellError::Runtime)?;
    let testimony = runtime.block_on(course(plan, wiring))?;
    // The world's tasks hold most of the memory, and judging needs some of its own.
    drop(runtime);
    Ok(testimony)
}

/// The facts of a run.
pub(crate) fn judged(plan: &CellPlan, testimony: Testimony) -> Facts {
    collect(testimony, &plan.design, &plan.fault)
}

/// The cell of the record.
pub(crate) fn cell(plan: &CellPlan, facts: &Facts) -> Cell {
    let meta = CellMeta {
        design: plan.design.name.clone(),
        fault: plan.fault.name().to_owned(),
        seed: plan.seed,
        load: plan.load.record(),
        load_name: plan.load.name.clone(),
        slo: plan.slo,
        capacity_per_s: plan.design.capacity_per_s(&Hardship::default()),
        detail: plan.responses.then(|| detail(&plan.design, &plan.load)),
    };
    assess(meta, facts)
}

/// What the experiment's sections need to know of the cell.
pub(crate) fn detail(design: &Design, load: &NamedLoad) -> Detail {
    Detail {
        client_timeout: load.client_timeout,
        replicas: design.replicas_of(ServiceKind::PaymentService),
        slots: design.payment.slots.get(),
        service_time: design.payment.service_time.mean(),
    }
}

async fn course(plan: &CellPlan, wiring: &Wiring) -> Result<Testimony, CellError> {
    let hosts = Hosts::start(plan.seed, Arc::clone(&plan.design), &*wiring.state, wiring.disks);
    let clients = hosts.clients();
    clients.sleep(LOAD_START.saturating_sub(clients.elapsed())).await;
    let load_start = clients.elapsed();
    let mut sampler = Sampler::new(&hosts);
    let driven = {
        let mut sampling = std::pin::pin!(sampler.run(clients));
        let options = DriveOptions {
            client_timeout: plan.load.client_timeout,
            duplicates: hosts.duplicates().clone(),
            targets: targets(&plan.design, plan.load.balance, clients.rng("balance")),
            ..DriveOptions::default()
        };
        let asking = ask(clients, &plan.load.load, plan.load.high_priority_share, &options);
        // The fault may end after the last answer, and the last answer may come after the fault.
        let disturbing = inject(clients, &plan.fault, &hosts);
        let both = async { tokio::join!(biased; asking, disturbing) };
        let (driven, disturbed) = tokio::select! {
            biased;
            () = &mut sampling => unreachable!("the sampler never ends by itself"),
            both = both => both,
        };
        disturbed?;
        tokio::select! {
            biased;
            () = &mut sampling => unreachable!("the sampler never ends by itself"),
            () = rest(&hosts, clients, plan, load_start) => {}
        }
        driven
    };
    let ended = clients.elapsed() - load_start;
    let per_second = sampler.finish();
    let high_priority = orders::high_priority(&driven, plan.load.high_priority_share);
    Ok(Testimony {
        driven,
        high_priority,
        letters: hosts.letters().await?,
        services: hosts.testify().await?,
        told: std::mem::take(&mut *wiring.inbox.lock().unwrap_or_else(PoisonError::into_inner)),
        per_second,
        processes: std::collections::BTreeMap::new(),
        load_start,
        load_duration: plan.load.load.duration().get(),
        ended,
    })
}

/// Returns when the load is over and nothing has moved for the plan's rest, or for longer where a group of consumers is
/// behind; or at the latest end.
async fn rest(hosts: &Hosts, clients: &Node, plan: &CellPlan, load_start: Duration) {
    let (load_end, latest) = (load_start + plan.load.load.duration().get(), load_start + RUN_MAX);
    let groups = hosts.groups();
    let mut quiet_since = clients.elapsed();
    loop {
        let now = clients.elapsed();
        if hosts.is_busy() || now < load_end {
            quiet_since = now;
        }
        let enough = if groups.are_behind() { plan.rest.max(COMES_AGAIN) } else { plan.rest };
        if now - quiet_since >= enough || now >= latest {
            return;
        }
        clients.sleep(REST_CHECK.min(latest - now)).await;
    }
}
