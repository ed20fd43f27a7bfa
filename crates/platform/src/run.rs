//! Running a service: listen and serve, for as long as its process lives.

use std::io;
use std::sync::Arc;

use node::Node;
use node::http::{ServerOptions, serve};

use crate::admin::admin_router;
use crate::design::Design;
use crate::kind::ServiceKind;
use crate::service::{Peers, router};
use crate::state::ServiceState;
use crate::telemetry::CONNECTIONS;

/// Where a service listens. By default on its usual port, without an admin port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// For orders; `None` for the service's usual port.
    pub http: Option<u16>,
    /// For the laboratory; `None` for no admin port.
    pub admin: Option<u16>,
}

/// Runs a service on a node. Returns only when it cannot listen.
///
/// The services behind it are reached by their names, at their default ports; a node that keeps them
/// elsewhere says so itself.
///
/// # Errors
/// When a port is taken or may not be used.
///
/// # Cancel safety
/// Dropping the future stops accepting; what was accepted lives on with its node.
pub async fn run(
    kind: ServiceKind,
    node: Node,
    design: Arc<Design>,
    state: ServiceState,
    ports: Ports,
) -> io::Result<()> {
    let listener = node.listen(ports.http.unwrap_or(kind.default_port())).await?;
    if let Some(port) = ports.admin {
        let admin = node.listen(port).await?;
        let router = admin_router(&node, &state);
        node.spawn(serve(node.clone(), admin, router, ServerOptions::default()));
    }
    let router = router(kind, &node, &design, &state, &Peers::default());
    let connections = state.telemetry().gauge(CONNECTIONS);
    match serve(node, listener, router, ServerOptions { connections, ..ServerOptions::default() }).await {}
}
