//! notification-service: tells customers how their orders ended.
//!
//! It hears how payments ended and writes a notice down for each; a *webhook*, where there is one, is told the same as
//! JSON. Then it says that the customer was told, and acknowledges. With `[inbox]` a notice has the id of the event that
//! it goes back to: an event that comes twice finds its notice there, and whoever receives the webhook knows the
//! repetition by its `Idempotency-Key`. Without, each delivery is a notice of its own, and a customer may be told twice.
//!
//! Failure looks like this. The store or the broker is away: the event comes again. The webhook does not take the notice,
//! or not in time: the same, and after `[dead_letters].attempts_max` it is for people to look at; the notice stands.

pub(crate) mod handlers;
mod notifications;
mod webhook;

use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use domain::event::PAYMENTS;
use node::Node;

use self::notifications::Notifications;
use self::webhook::Sink;
pub use self::webhook::{InvalidWebhook, Webhook};
use crate::design::{Design, Topology};
use crate::events::consumer::{self, AT_ONCE_UNBOUNDED};
use crate::events::{Consuming, Publisher, broker};
use crate::ids::IdSource;
use crate::state::ServiceState;
use crate::telemetry::IN_FLIGHT;
use crate::web::common;
use crate::web::log_span::LogSpanLayer;

/// The group of all notification-services.
const GROUP: &str = "notification-service";

/// The service, assembled.
pub(crate) fn router(node: &Node, design: &Design, state: &ServiceState) -> Router {
    let telemetry = state.telemetry();
    if design.topology == Topology::Events {
        let notices = state.stores().notices.as_ref();
        let handler = Notifications {
            node: node.clone(),
            store: Arc::clone(notices.expect("notification-service's state has a store of notices")),
            sink: state.webhook().map(|webhook| Sink::new(node, webhook)),
            publisher: Publisher::start(node, broker(state), telemetry),
            telemetry: telemetry.clone(),
            ids: IdSource::new(node, "nt"),
            once: design.inbox.is_some(),
        };
        let at_once = design.consumers.as_ref().map(|section| section.in_hand_max.get() as usize);
        let consuming = Consuming {
            topic: PAYMENTS,
            group: GROUP,
            at_once: at_once.unwrap_or(AT_ONCE_UNBOUNDED),
            autoscale: None,
            workers: None,
            in_work: Some(telemetry.gauge(IN_FLIGHT)),
            handler: Arc::new(handler),
        };
        consumer::start(node, design, state, consuming);
    }
    let router =
        Router::new().route("/stats", get(handlers::stats).layer(LogSpanLayer)).with_state(telemetry.clone());
    common::finish(router, node, design, state, &[])
}
