//! Running a service: listen and serve, for as long as its process lives.

use std::io;
use std::sync::Arc;

use axum::Router;
use node::Node;
use node::http::{ServerOptions, serve};

use crate::admin::{admin_router, monolith_admin_router};
use crate::design::Design;
use crate::kind::ServiceKind;
use crate::service::{Peers, monolith_router, router};
use crate::state::{PlatformState, ServiceState};
use crate::telemetry::{CONNECTIONS, Telemetry};
use crate::web::{Problem, ProblemKind};

/// Where a service listens. By default on its usual port, without an admin port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Ports {
    /// For orders; `None` for the service's usual port.
    pub http: Option<u16>,
    /// For the laboratory; `None` for no admin port.
    pub admin: Option<u16>,
}

/// Runs a service on a node until it is asked to stop and has finished what it took on.
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
    let admin = admin_router(&node, &state);
    let router = |node: &Node| router(kind, node, &design, &state, &Peers::default());
    serve_both(kind, &node, ports, admin, router, state.telemetry()).await
}

/// Runs a monolith on a node, until it is asked to stop and has finished what it took on: all services in one
/// process, on order-api's port.
///
/// # Errors
/// When a port is taken or may not be used.
///
/// # Cancel safety
/// As [`run`].
pub async fn run_monolith(
    node: Node,
    design: Arc<Design>,
    state: PlatformState,
    ports: Ports,
) -> io::Result<()> {
    let kind = ServiceKind::OrderApi;
    let admin = monolith_admin_router(&node, &state);
    let router = |node: &Node| monolith_router(node, &design, &state);
    serve_both(kind, &node, ports, admin, router, state.service(kind).telemetry()).await
}

/// Listens on both ports before anything is assembled, and serves.
async fn serve_both(
    kind: ServiceKind,
    node: &Node,
    ports: Ports,
    admin: Router,
    router: impl FnOnce(&Node) -> Router,
    telemetry: &Telemetry,
) -> io::Result<()> {
    let listener = node.listen(ports.http.unwrap_or(kind.default_port())).await?;
    if let Some(port) = ports.admin {
        let listener = node.listen(port).await?;
        node.spawn(serve(node.clone(), listener, admin, ServerOptions::default()));
    }
    let router = router(node);
    let options = ServerOptions {
        connections: telemetry.gauge(CONNECTIONS),
        connections_max: node.connections_max(),
        turned_away: Problem::from(ProblemKind::TooManyConnections).retry_after_s(1).on_the_wire(),
        turned_away_total: telemetry.turned_away().clone(),
        ..ServerOptions::default()
    };
    serve(node.clone(), listener, router, options).await;
    node.stopping().finished().await;
    Ok(())
}
