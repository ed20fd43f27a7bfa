//! Worlds: where a cell happens.

use chaos::FaultPlan;
use platform::ServiceKind;

pub(crate) mod sim;

/// The host on which all clients live.
pub(crate) const CLIENTS: &str = "clients";

/// Every host that a fault can name.
pub(crate) fn hosts() -> Vec<&'static str> {
    ServiceKind::ALL.iter().map(|kind| kind.name()).chain([CLIENTS]).collect()
}

/// A host that the plan names and no world has.
pub(crate) fn unknown_host(plan: &FaultPlan) -> Option<&str> {
    let hosts = hosts();
    plan.steps().iter().flat_map(|step| step.action.hosts()).find(|host| !hosts.contains(host))
}
