//! One simulated machine: its process table, sockets, processors.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use slab::Slab;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::cpu::Cpu;
use super::descriptors::Descriptors;
use super::disk::HostDisk;
use super::options::{HostOptions, whole_ticks};
use crate::rng::named_rng;

/// Whether anyone is at home.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum HostState {
    /// The machine and its process run.
    Running,
    /// The process is gone; the machine refuses connections and resets old ones.
    Killed,
    /// The machine says nothing at all.
    PoweredOff,
}

#[derive(Debug)]
pub(super) struct Host {
    pub(super) name: String,
    pub(super) options: HostOptions,
    pub(super) state: HostState,
    /// Counts the processes that have run here, so that what an old one leaves behind is told apart.
    pub(super) incarnation: u64,
    pub(super) cpu: Cpu,
    /// The process table; a place is empty for the moment between taking it and spawning.
    pub(super) tasks: Slab<Option<AbortHandle>>,
    pub(super) listeners: BTreeMap<u16, Backlog>,
    /// The descriptors of the present process.
    pub(super) descriptors: Descriptors,
    /// How far its wall clock stands from the right time, in µs. The machine's own: a restart leaves it.
    pub(super) wall_clock_error_us: i64,
    /// What outlives its processes.
    pub(super) disk: HostDisk,
}

/// Connections that wait to be accepted.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pub(super) connections: VecDeque<usize>,
    pub(super) waker: Option<Waker>,
}

impl Host {
    pub(super) fn new(seed: u64, name: String, options: HostOptions, now: Instant) -> Self {
        let cpu = Cpu::new(&options, now);
        let descriptors = Descriptors::new(options.descriptors_max);
        let luck = named_rng(seed, &format!("disk/{name}"));
        let disk = HostDisk::new(whole_ticks(options.sync_latency), options.lies_about_syncs, luck);
        Self {
            name,
            options,
            state: HostState::Running,
            incarnation: 0,
            cpu,
            tasks: Slab::new(),
            listeners: BTreeMap::new(),
            descriptors,
            wall_clock_error_us: 0,
            disk,
        }
    }

    pub(super) fn is_powered(&self) -> bool {
        self.state != HostState::PoweredOff
    }

    /// Ends the process: tasks stop at their next suspension point, sockets and listeners are gone.
    /// Returns the connections that were waiting to be accepted.
    pub(super) fn end_process(&mut self, state: HostState, now: Instant) -> Vec<usize> {
        self.state = state;
        self.disk.end_process(state, now);
        for task in self.tasks.drain().flatten() {
            task.abort();
        }
        std::mem::take(&mut self.listeners).into_values().flat_map(|backlog| backlog.connections).collect()
    }

    pub(super) fn start_process(&mut self, now: Instant) {
        self.state = HostState::Running;
        self.incarnation += 1;
        self.cpu = Cpu::new(&self.options, now);
        self.descriptors.renew(self.options.descriptors_max);
    }
}
