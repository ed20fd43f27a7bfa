//! Worlds: where a cell happens.

use chaos::FaultPlan;
use load::{Balance, DriveOptions, Driven, Load, Targets, Users, arrivals, drive, drive_users};
use node::{Node, Rng, http};
use platform::{
    ServiceKind,
    design::{Design, Process},
};

use self::orders::Orders;
use crate::{
    experiment::Share,
    serve::{Part, process_list},
};

pub(crate) mod groups;
pub(crate) mod local;
mod orders;
pub(crate) mod sim;
mod work;

/// The host on which all clients live.
pub(crate) const CLIENTS: &str = "clients";

/// Every host of a platform that a fault can name.
pub(crate) fn hosts(design: &Design) -> Vec<String> {
    process_list(design, true).into_iter().map(Part::name).chain([CLIENTS.to_owned()]).collect()
}

/// The replicas among which clients choose, by their hosts' names; with one there is nothing to choose, and requests go
/// where they say.
pub(crate) fn targets(design: &Design, balance: Balance, rng: Rng) -> Targets {
    let replicas = design.processes().into_iter().filter(|process| process.kind == ServiceKind::OrderApi);
    targets_of(replicas.map(Process::name), balance, rng)
}

/// The same, where only the names are known.
pub(crate) fn targets_of(names: impl Iterator<Item = String>, balance: Balance, rng: Rng) -> Targets {
    let port = ServiceKind::OrderApi.default_port();
    let bases: Vec<_> = names.map(|name| format!("http://{name}:{port}")).collect();
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

/// The load and its clients, on a host of their own: the same orders at the same times in every world.
pub(crate) async fn ask(
    clients: &Node,
    load: &Load,
    high_priority_share: Option<Share>,
    options: &DriveOptions,
) -> Driven {
    let client = http::Client::new(clients, http::ClientOptions::default());
    let mut orders = Orders::new(clients.rng("orders"), high_priority_share);
    let ask = move |sequence| orders.ask(sequence);
    match load {
        &Load::Users { users, spawn_per_s, think, duration } => {
            let (users, spawn_per_s, duration) = (users.get(), spawn_per_s.per_s(), duration.get());
            let users = Users { users, spawn_per_s, think, duration };
            drive_users(clients, client, &users, ask, options).await
        }
        open => drive(clients, client, arrivals(open, clients.rng("arrivals")), ask, options).await,
    }
}
