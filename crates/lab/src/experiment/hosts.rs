//! Faults and the hosts that they disturb: every design of an experiment has to have them.

use chaos::FaultPlan;

use super::Candidate;
use crate::world;

/// A fault disturbs a host that a design has not.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no host {host:?} to disturb in the design {design}, expected one of {}", known.join(", "))]
pub struct MissingHost {
    /// The host.
    pub host: String,
    /// The design.
    pub design: String,
    /// The hosts that it has.
    pub known: Vec<String>,
}

/// The first host that a fault disturbs and a design has not.
pub(super) fn missing_host(plan: &FaultPlan, designs: &[Candidate]) -> Option<MissingHost> {
    designs.iter().find_map(|candidate| {
        let design = &candidate.resolved.design;
        let host = world::unknown_host(plan, design)?.to_owned();
        let known = world::hosts(design);
        Some(MissingHost { host, design: candidate.name().to_owned(), known })
    })
}
