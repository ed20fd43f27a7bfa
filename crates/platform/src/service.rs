//! A service, assembled from a design.

use axum::Router;
use node::Node;

use crate::design::Design;
use crate::kind::ServiceKind;
use crate::order_processor::ProcessorSettings;
use crate::state::{PlatformState, ServiceState};
use crate::{notification_service, order_api, order_processor, payment_service};

/// Where a service is reached by the one in front of it.
#[derive(Clone, Debug)]
pub enum Peer {
    /// In another process, on the host of its name.
    Http {
        /// The port it listens on there.
        port: u16,
    },
    /// In this process: its router, called without a network.
    Local(Router),
}

/// The services behind a service. By default each is a process of its own at its usual port.
#[derive(Clone, Debug)]
pub struct Peers {
    /// order-processor.
    pub order_processor: Peer,
    /// payment-service.
    pub payment_service: Peer,
}

impl Default for Peers {
    fn default() -> Self {
        let usual = |kind: ServiceKind| Peer::Http { port: kind.default_port() };
        Self {
            order_processor: usual(ServiceKind::OrderProcessor),
            payment_service: usual(ServiceKind::PaymentService),
        }
    }
}

/// A fresh process of a monolith: order-api's routes, behind which the other parts are called in the same
/// process. Each part has its own layers and its own state, as in a process of its own; what is missing
/// between them is the network.
pub fn monolith_router(node: &Node, design: &Design, state: &PlatformState) -> Router {
    let part = |kind| state.service(kind);
    let nobody = Peers::default();
    let payment =
        router(ServiceKind::PaymentService, node, design, part(ServiceKind::PaymentService), &nobody);
    let peers = Peers { payment_service: Peer::Local(payment), ..nobody };
    let processor =
        router(ServiceKind::OrderProcessor, node, design, part(ServiceKind::OrderProcessor), &peers);
    let peers = Peers { order_processor: Peer::Local(processor), ..peers };
    router(ServiceKind::OrderApi, node, design, part(ServiceKind::OrderApi), &peers)
}

/// A fresh process of a service: its routes and the layers that the design puts around them.
///
/// # Panics
/// When the state belongs to another kind of service.
pub fn router(
    kind: ServiceKind,
    node: &Node,
    design: &Design,
    state: &ServiceState,
    peers: &Peers,
) -> Router {
    assert_eq!(kind, state.kind(), "a service runs on its own state");
    match kind {
        ServiceKind::OrderApi => order_api::router(node, design, state, peers),
        ServiceKind::OrderProcessor => {
            order_processor::router(node, design, state, peers, ProcessorSettings::default())
        }
        ServiceKind::PaymentService => payment_service::router(node, design, state),
        ServiceKind::NotificationService => notification_service::router(node, design, state),
    }
}
