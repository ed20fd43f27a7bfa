//! Worlds: where a cell happens.

use chaos::FaultPlan;
use platform::design::{Design, Process};

mod orders;
pub(crate) mod sim;

/// The host on which all clients live.
pub(crate) const CLIENTS: &str = "clients";

/// Every host of a platform that a fault can name.
pub(crate) fn hosts(design: &Design) -> Vec<String> {
    design.processes().into_iter().map(Process::name).chain([CLIENTS.to_owned()]).collect()
}

/// A host that the plan names and a world of this design has not.
pub(crate) fn unknown_host<'a>(plan: &'a FaultPlan, design: &Design) -> Option<&'a str> {
    let hosts = hosts(design);
    let named = plan.steps().iter().flat_map(|step| step.action.hosts());
    named.into_iter().find(|host| hosts.iter().all(|known| known != host))
}
