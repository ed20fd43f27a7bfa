//! notification-service: tells customers how their orders ended.

use axum::Router;
use node::Node;

use crate::design::Design;
use crate::state::ServiceState;
use crate::web::common;

/// The service, assembled.
pub(crate) fn router(node: &Node, design: &Design, state: &ServiceState) -> Router {
    common::finish(Router::new(), node, design, state, &[])
}
