//! The files of redb: which process has which, and what is in them.

use std::path::Path;
use std::sync::Arc;

use adapters::redb::{OpenError, RedbStore};
use node::Node;
use platform::{ServiceKind, Stores, design::Topology};

/// Whether a service owns anything that has to last.
pub(crate) fn keeps(part: ServiceKind) -> bool {
    match part {
        ServiceKind::OrderApi | ServiceKind::PaymentService | ServiceKind::NotificationService => true,
        ServiceKind::OrderProcessor => false,
    }
}

/// The name of the file that a process of a topology has, in which this part is the first that keeps anything.
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

/// Opens the file of a process, in which this part is the first that keeps anything.
pub(crate) async fn open_file(
    node: &Node,
    part: ServiceKind,
    topology: Topology,
) -> Result<RedbStore, OpenError> {
    let store = RedbStore::open(node, &file_name(part, topology)).await?;
    Ok(match topology {
        Topology::Chain | Topology::Events => store,
        Topology::Monolith => store.with_both(),
    })
}

/// A service's stores, all in one file.
pub(crate) fn on_redb(part: ServiceKind, store: &RedbStore) -> Stores {
    let store = || Arc::new(store.clone());
    let stores = Stores::in_memory(part);
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

    async fn opened(directory: &Path, topology: Topology) -> Result<RedbStore, OpenError> {
        check_not_of_others(directory, topology)?;
        let node = Node::real(RealOptions { data: Some(directory.to_owned()), ..RealOptions::default() });
        open_file(&node, ServiceKind::OrderApi, topology).await
    }

    #[tokio::test]
    async fn a_directory_belongs_to_a_monolith_or_to_services_of_their_own() {
        for (first, then, whose) in [
            (Topology::Monolith, Topology::Chain, "monolith.redb belongs to a monolith"),
            (Topology::Chain, Topology::Monolith, "order-api.redb belongs to services"),
        ] {
            let directory = tempfile::tempdir().expect("a directory");
            opened(directory.path(), first).await.expect("an empty directory").close().await;
            let refused = opened(directory.path(), then).await.expect_err("the other kind").to_string();
            assert!(refused.contains(whose), "{refused}");
            opened(directory.path(), first).await.expect("its own").close().await;
        }
    }
}
