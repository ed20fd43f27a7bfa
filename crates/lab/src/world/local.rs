//! The local world: one cell as real processes of this machine, on real TCP and in real time.
//!
//! Every service is a process of its own with its own data, the load is one more, and this process only watches, breaks
//! and collects. The cell's course is that of the simulated world: the services start; at the next whole second of
//! the clock the load and the fault plan begin, and at the end of every second gauges are read and the processes are
//! looked at; when the last client is answered, the run goes on until nothing moves. Then everything testifies through
//! its admin port, to the same collector.
//!
//! What is left of a cell that failed (its data and what its processes said) stays in its folder; of one that went
//! well, nothing. Whatever ends a run, no process outlives it: see [`crate::process`].

mod admin;
mod deed;
mod driver;
mod error;
mod host;
mod hosts;
mod ports;
mod preflight;
mod quiet;
mod testimony;
mod watch;

use std::{
    cell::Cell,
    fs,
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use chaos::inject;
use node::{Node, RealOptions};
use tokio::sync::watch as flag;

pub(crate) use self::driver::DRIVER;
pub(crate) use self::{
    deed::unsupported,
    error::LocalError,
    preflight::{Machine, examine},
};
use self::{driver::Driver, hosts::Hosts, watch::Watch};
use crate::{
    collector::Testimony,
    world::{orders, sim::CellPlan},
};

/// How long before its beginning the load is announced, at least: its process has to start.
const NOTICE_MIN: Duration = Duration::from_millis(400);

/// The latest end of a run, from the start of the load, unless the load itself takes longer.
const RUN_MAX: Duration = Duration::from_secs(300);

/// How long a service may take to stop at the end before it is killed.
const STOP_WITHIN: Duration = Duration::from_secs(5);

/// What this world does not do as production would: printed at the foot of every report.
pub(crate) const NOT_MODELLED: &[&str] = &[
    "a network: all processes are on one machine, whose loopback loses nothing and takes next to no time",
    "machines of their own: the services, the load generator and whoever else is here share the processors and the disk",
    "a loss of power as such: the process is stopped where it stands and later killed, so that its kernel still \
     accepts connections for a while, and what the process handed to the kernel is not lost",
    "what a killed process knew of itself alone: gauges, alerts and spans are asked for just before, and what comes \
     after the question is lost with it",
];

/// What it takes to run cells on this machine.
#[derive(Clone, Debug, PartialEq)]
pub struct LocalOptions {
    /// The program that serves and drives: itself.
    pub program: PathBuf,
    /// Where cells have their folders while they run, and those that failed also after.
    pub folder: PathBuf,
    /// Who wants it to stop.
    pub interrupt: Interrupt,
}

/// A wish to stop, shared by whoever may have it and whoever heeds it.
#[derive(Clone, Debug)]
pub struct Interrupt {
    raised: Arc<flag::Sender<bool>>,
}

impl Default for Interrupt {
    fn default() -> Self {
        Self { raised: Arc::new(flag::Sender::new(false)) }
    }
}

impl PartialEq for Interrupt {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.raised, &other.raised)
    }
}

impl Interrupt {
    /// From now on whatever runs is to stop.
    pub fn raise(&self) {
        self.raised.send_replace(true);
    }

    /// Whether it was raised.
    #[must_use]
    pub fn is_raised(&self) -> bool {
        *self.raised.borrow()
    }

    /// Waits until it is raised.
    pub(crate) async fn raised(&self) {
        let mut raised = self.raised.subscribe();
        // It cannot fail: the sender is held here.
        let _raised = raised.wait_for(|raised| *raised).await;
    }
}

/// Runs the cell from beginning to end: what all sides testify. `name` is the folder's.
pub(crate) fn testify(plan: &CellPlan, options: &LocalOptions, name: &str) -> Result<Testimony, LocalError> {
    if options.interrupt.is_raised() {
        return Err(LocalError::Interrupted);
    }
    let folder = options.folder.join(name);
    // A run before this one may have failed and left its own.
    let _not_there = fs::remove_dir_all(&folder);
    fs::create_dir_all(&folder).map_err(|source| LocalError::folder(&folder, source))?;
    let runtime =
        tokio::runtime::Builder::new_current_thread().enable_all().build().map_err(LocalError::Runtime)?;
    let ran = runtime.block_on(async {
        tokio::select! {
            biased;
            () = options.interrupt.raised() => Err(LocalError::Interrupted),
            ran = course(plan, options, &folder) => ran,
        }
    });
    if matches!(ran, Ok(_) | Err(LocalError::Interrupted)) {
        fs::remove_dir_all(&folder).map_err(|source| LocalError::folder(&folder, source))?;
    }
    ran
}

async fn course(plan: &CellPlan, options: &LocalOptions, folder: &Path) -> Result<Testimony, LocalError> {
    let lab = Node::real(RealOptions { name: "lab".to_owned(), seed: plan.seed, ..RealOptions::default() });
    let hosts = Hosts::start(plan, options, folder).await?;
    let load_start = next_second(lab.elapsed() + NOTICE_MIN);
    let mut driver = Driver::start(plan, options, folder, hosts.entrances(), load_start).await?;
    lab.sleep(load_start.saturating_sub(lab.elapsed())).await;

    let load_duration = plan.load.load.duration().get();
    let latest = RUN_MAX.max(load_duration + plan.load.client_timeout + RUN_MAX / 5);
    let is_over = Cell::new(false);
    let mut watch = Watch::begin(&hosts, driver.id(), plan).await;
    let driven = {
        let asked_and_disturbed = async {
            let disturbing = async { inject(&lab, &plan.fault, &hosts).await.map_err(LocalError::from) };
            let (driven, ()) = tokio::try_join!(driver.report(), disturbing)?;
            is_over.set(true);
            Ok::<_, LocalError>(driven)
        };
        let watching = async {
            watch.until_rest(&hosts, &lab, load_start, latest, &is_over).await;
            Ok(())
        };
        let whole_run = async { tokio::try_join!(asked_and_disturbed, watching) };
        tokio::select! {
            biased;
            died = hosts.first_to_die(&lab) => return Err(died),
            run = whole_run => run?.0,
        }
    };
    let ended = lab.elapsed().saturating_sub(load_start);
    let services = hosts.testify(watch.maxima()).await?;
    let letters = hosts.letters(&lab).await?;
    hosts.stop(STOP_WITHIN).await;
    let high_priority = orders::high_priority(&driven, plan.load.high_priority_share);
    let (per_second, processes) = watch.finish();
    Ok(Testimony {
        driven,
        high_priority,
        services,
        told: Vec::new(),
        letters,
        per_second,
        processes,
        load_start,
        load_duration,
        ended,
    })
}

/// Services count in whole seconds of the clock; so does the load, if it begins with one.
fn next_second(at: Duration) -> Duration {
    Duration::from_secs(at.as_secs() + u64::from(at.subsec_nanos() > 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_load_begins_with_a_second() {
        assert_eq!(next_second(Duration::from_millis(7_001)), Duration::from_secs(8));
        assert_eq!(next_second(Duration::from_secs(7)), Duration::from_secs(7));
    }

    #[test]
    fn an_interrupt_is_seen_by_all_who_share_it() {
        let interrupt = Interrupt::default();
        let heeded = interrupt.clone();
        assert!(!heeded.is_raised());
        interrupt.raise();
        assert!(heeded.is_raised() && heeded == interrupt && heeded != Interrupt::default());
    }
}
