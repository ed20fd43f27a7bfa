//! What the services of a simulated platform keep their stores on, and what of them outlives a process.
//!
//! On disks a process begins with what its host's disk kept and an empty memory: stores, leases, queues and shared rates
//! are new. What does not belong to the process goes on, as it would in the hands of those who watch and disturb it:
//! measurements (the journal of calls, the gauges' exact maxima, settled orders, alerts, spans; no service decides by
//! them), and the hand that breaks payment.

use std::sync::Arc;

use adapters::redb::OpenError;
use node::{Node, sim::HostOptions};
use platform::{PlatformState, ServiceKind, Stores, design::Design};
use resilience::admission::shared_rate::MemoryBuckets;

use crate::serve::{on_redb, open_file, parts};

/// Where stores are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Disks {
    /// In memory that outlives every crash: it costs the least, and experiments are about something else.
    #[default]
    Memory,
    /// In files on the disks of their hosts, on the engine that real services use.
    Redb,
    /// The same on disks that say at once that something is durable, and let it wait in a cache. To test who notices.
    #[cfg(test)]
    Lying,
}

/// The states of a process that keeps nothing: its file is ruined.
pub(super) fn empty(states: &PlatformState, process: ServiceKind, design: &Design) -> PlatformState {
    let part = |open: PlatformState, part| {
        let state = open.service(part).clone().with_stores(Stores::in_memory(part));
        open.with(state)
    };
    parts(process, design).into_iter().fold(states.clone(), part)
}

/// Whether a file is of no use any more: a service does not start on it, and nothing in it counts as kept.
pub(super) fn is_ruined(error: &OpenError) -> bool {
    matches!(error, OpenError::Damaged { .. } | OpenError::Foreign { .. })
}

impl Disks {
    /// The host of a process.
    pub(super) fn host(self) -> HostOptions {
        match self {
            Self::Memory | Self::Redb => HostOptions::default(),
            #[cfg(test)]
            Self::Lying => HostOptions { lies_about_syncs: true, ..HostOptions::default() },
        }
    }

    /// The states that a process begins with, on what it finds on its host's disk.
    pub(super) async fn open(
        self,
        states: &PlatformState,
        process: ServiceKind,
        design: &Design,
        node: &Node,
    ) -> Result<PlatformState, OpenError> {
        let mut open = states.clone();
        if self == Self::Memory {
            return Ok(open);
        }
        let file = open_file(node, process, design).await?;
        for part in parts(process, design) {
            let state = states.service(part).clone().with_stores(on_redb(part, file.as_ref()));
            open = open.with(state.with_buckets(Arc::new(MemoryBuckets::default())));
        }
        Ok(open)
    }
}
