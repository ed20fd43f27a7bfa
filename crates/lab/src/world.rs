//! Worlds: where a cell happens.

use chaos::FaultPlan;
use platform::design::Topology;

mod orders;
pub(crate) mod sim;

/// The host on which all clients live.
pub(crate) const CLIENTS: &str = "clients";

/// Every host of a platform that a fault can name.
pub(crate) fn hosts(topology: Topology) -> Vec<&'static str> {
    topology.processes().iter().map(|kind| kind.name()).chain([CLIENTS]).collect()
}

/// A host that the plan names and a world of this topology has not.
pub(crate) fn unknown_host(plan: &FaultPlan, topology: Topology) -> Option<&str> {
    let hosts = hosts(topology);
    plan.steps().iter().flat_map(|step| step.action.hosts()).find(|host| !hosts.contains(host))
}
