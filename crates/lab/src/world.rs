//! Worlds: where a cell happens.

use chaos::FaultPlan;
use load::{Balance, Targets};
use node::Rng;
use platform::{
    ServiceKind,
    design::{Design, Process},
};

mod orders;
pub(crate) mod sim;

/// The host on which all clients live.
pub(crate) const CLIENTS: &str = "clients";

/// Every host of a platform that a fault can name.
pub(crate) fn hosts(design: &Design) -> Vec<String> {
    design.processes().into_iter().map(Process::name).chain([CLIENTS.to_owned()]).collect()
}

/// The replicas among which clients choose, by their hosts' names; with one there is nothing to choose, and requests go
/// where they say.
pub(crate) fn targets(design: &Design, balance: Balance, rng: Rng) -> Targets {
    let api = ServiceKind::OrderApi;
    let replicas = design.processes().into_iter().filter(|process| process.kind == api);
    let bases: Vec<_> =
        replicas.map(|process| format!("http://{}:{}", process.name(), api.default_port())).collect();
    match bases.len() {
        1 => Targets::default(),
        _ => Targets::new(&bases, balance, rng)
            .expect("a design has fewer replicas than a load may have targets"),
    }
}

/// A host that the plan names and a world of this design has not.
pub(crate) fn unknown_host<'a>(plan: &'a FaultPlan, design: &Design) -> Option<&'a str> {
    let hosts = hosts(design);
    let named = plan.steps().iter().flat_map(|step| step.action.hosts());
    named.into_iter().find(|host| hosts.iter().all(|known| known != host))
}
