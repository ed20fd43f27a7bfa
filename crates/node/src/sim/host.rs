//! One simulated machine: its process table, sockets, processors.

use std::collections::{BTreeMap, VecDeque};
use std::task::Waker;

use slab::Slab;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::cpu::Cpu;
use super::options::HostOptions;
use crate::gauge::Gauge;

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
    /// Open descriptors of the present process.
    pub(super) descriptors: usize,
    pub(super) descriptors_gauge: Gauge,
    /// Whoever waits for a descriptor to come free.
    pub(super) descriptor_wakers: Vec<Waker>,
}

/// Connections that wait to be accepted.
#[derive(Debug, Default)]
pub(super) struct Backlog {
    pub(super) connections: VecDeque<usize>,
    pub(super) waker: Option<Waker>,
}

impl Host {
    pub(super) fn new(name: String, options: HostOptions, now: Instant) -> Self {
        let cpu = Cpu::new(&options, now);
        Self {
            name,
            options,
            state: HostState::Running,
            incarnation: 0,
            cpu,
            tasks: Slab::new(),
            listeners: BTreeMap::new(),
            descriptors: 0,
            descriptors_gauge: Gauge::new(),
            descriptor_wakers: Vec::new(),
        }
    }

    pub(super) fn is_powered(&self) -> bool {
        self.state != HostState::PoweredOff
    }

    /// Takes a descriptor if one is left.
    pub(super) fn take_descriptor(&mut self) -> bool {
        let left = self.descriptors < self.options.descriptors_max;
        if left {
            self.descriptors += 1;
            self.descriptors_gauge.set(self.descriptors as u64);
        }
        left
    }

    /// Gives a descriptor back and lets those who wait for one try again.
    pub(super) fn return_descriptor(&mut self) {
        self.descriptors -= 1;
        self.descriptors_gauge.set(self.descriptors as u64);
        self.descriptor_wakers.drain(..).for_each(Waker::wake);
    }

    /// Ends the process: tasks stop at their next suspension point, sockets and listeners are gone.
    /// Returns the connections that were waiting to be accepted.
    pub(super) fn end_process(&mut self, state: HostState) -> Vec<usize> {
        self.state = state;
        for task in self.tasks.drain().flatten() {
            task.abort();
        }
        self.descriptors = 0;
        self.descriptors_gauge.set(0);
        self.descriptor_wakers.clear();
        std::mem::take(&mut self.listeners).into_values().flat_map(|backlog| backlog.connections).collect()
    }

    pub(super) fn start_process(&mut self, now: Instant) {
        self.state = HostState::Running;
        self.incarnation += 1;
        self.cpu = Cpu::new(&self.options, now);
    }
}
