//! A service, assembled from a design.

use axum::Router;
use node::Node;

use crate::design::Design;
use crate::kind::ServiceKind;
use crate::order_processor::ProcessorSettings;
use crate::state::ServiceState;
use crate::{order_api, order_processor, payment_service};

/// The ports of the services behind a service; their hosts are called as they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peers {
    /// order-processor's port.
    pub order_processor: u16,
    /// payment-service's port.
    pub payment_service: u16,
}

impl Default for Peers {
    fn default() -> Self {
        Self {
            order_processor: ServiceKind::OrderProcessor.default_port(),
            payment_service: ServiceKind::PaymentService.default_port(),
        }
    }
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
    }
}
