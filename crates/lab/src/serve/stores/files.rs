//! The files of redb: which process has which, and what is in them.

use std::path::Path;
use std::sync::Arc;

use adapters::redb::{OpenError, RedbStore};
use node::Node;
use platform::{
    ServiceKind, Stores,
    design::{Design, Topology},
};

use super::parts;

/// Whether a service owns anything that has to last.
fn keeps(part: ServiceKind) -> bool {
    match part {
        ServiceKind::OrderApi | ServiceKind::PaymentService | ServiceKind::NotificationService => true,
        ServiceKind::OrderProcessor => false,
    }
}

/// The name of the file of a process of a topology, whose first part that keeps anything is this.
fn file_name(part: ServiceKind, topology: Topology) -> String {
    match topology {
        Topology::Chain | Topology::Events => format!("{part}.redb"),
        Topology::Monolith => "monolith.redb".to_owned(),
    }
}

/// A directory has the files of a monolith or those of services of their own: with both, each would miss what the other
/// has written.
pub(super) fn check_not_of_others(directory: &Path, topology: Topology) -> Result<(), OpenError> {
    let (others, whose) = match topology {
        Topology::Monolith => (
            Topology::Chain,
            "services that are processes of their own (or to a monolith of an earlier version)",
        ),
        Topology::Chain | Topology::Events => (Topology::Monolith, "a monolith"),
    };
    for part in others.services().iter().filter(|part| keeps(**part)) {
        let place = directory.join(file_name(*part, others));
        if place.exists() {
            return Err(OpenError::Others { place: place.display().to_string(), whose });
        }
    }
    Ok(())
}

/// Opens the file of a process; `None` when no part of it keeps anything.
pub(crate) async fn open_file(
    node: &Node,
    process: ServiceKind,
    design: &Design,
) -> Result<Option<RedbStore>, OpenError> {
    let topology = design.topology;
    let Some(first) = parts(process, design).into_iter().find(|part| keeps(*part)) else { return Ok(None) };
    let store = RedbStore::open(node, &file_name(first, topology)).await?;
    Ok(Some(match topology {
        Topology::Chain | Topology::Events => store,
        Topology::Monolith => store.with_both(),
    }))
}

/// A service's stores, in the file of its process.
pub(crate) fn on_redb(part: ServiceKind, file: Option<&RedbStore>) -> Stores {
    let stores = Stores::in_memory(part);
    let Some(file) = file.filter(|_| keeps(part)) else { return stores };
    let store = || Arc::new(file.clone());
    Stores {
        orders: stores.orders.map(|_| store() as _),
        outbox: stores.outbox.map(|_| store() as _),
        charges: stores.charges.map(|_| store() as _),
        notices: stores.notices.map(|_| store() as _),
        records: store(),
    }
}

#[cfg(test)]
mod tests {
    use node::RealOptions;

    use super::*;
    use crate::designs::resolve;

    async fn opened(directory: &Path, design: &Design) -> Result<RedbStore, OpenError> {
        check_not_of_others(directory, design.topology)?;
        let node = Node::real(RealOptions { data: Some(directory.to_owned()), ..RealOptions::default() });
        Ok(open_file(&node, ServiceKind::OrderApi, design).await?.expect("it keeps orders"))
    }

    #[tokio::test]
    async fn a_directory_belongs_to_a_monolith_or_to_services_of_their_own() {
        let chain = resolve("v0.1.0").expect("a design").design;
        let monolith = Design { topology: Topology::Monolith, ..chain.clone() };
        for (first, then, whose) in [
            (&monolith, &chain, "monolith.redb belongs to a monolith"),
            (&chain, &monolith, "order-api.redb belongs to services"),
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            opened(directory.path(), first).await.expect("an empty directory").close().await;
            let refused = opened(directory.path(), then).await.expect_err("the other kind").to_string();
            assert!(refused.contains(whose), "{refused}");
            opened(directory.path(), first).await.expect("its own").close().await;
        }
    }
}
