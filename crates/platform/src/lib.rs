//! The order platform's services, assembled from a design.
//!
//! Three services joined by HTTP calls: order-api takes orders, order-processor gets them paid,
//! payment-service moves the money and is the hardship. What runs is decided by a [`design::Design`]: the
//! naive baseline, and the constraints that a design adds, each in one commented place of a service's
//! chain of layers (`order_api::router`, `order_processor::router`, `payment_service::router`,
//! and `web::common::finish` for what is around all of them).
//!
//! By default each is a process of its own; a monolith is all three in one process ([`monolith_router`]), the
//! same parts with the same layers, which call each other without a network.
//!
//! A service gets its [`node::Node`], its design and its [`ServiceState`], and cannot know what kind of
//! world it runs in. What outlives a process is in the state; everything else dies with the process.
//!
//! Designs up to v0.3.0 know no timeouts but those that HTTP itself needs.

pub mod design;
pub mod hardship;

mod admin;
mod events;
mod facts;
mod ids;
mod kind;
mod layers;
#[cfg(test)]
mod logged;
mod notification_service;
mod order_api;
mod order_processor;
mod outage;
mod payment_service;
mod run;
mod service;
mod state;
mod telemetry;
mod web;

pub use admin::{admin_router, monolith_admin_router};
pub use facts::{ChargeFact, GaugeFact, NoticeFact, OrderFact, ServiceFacts, SettledFact};
pub use hardship::{Hardship, HardshipControl};
pub use kind::{ServiceKind, UnknownService};
pub use notification_service::{InvalidWebhook, Webhook};
pub use order_processor::{ATTEMPTS_PER_ORDER_MAX, ProcessorSettings, router as order_processor_router};
pub use run::{Ports, run, run_monolith};
pub use service::{Peer, Peers, monolith_router, router};
pub use state::{PlatformState, ServiceState, Stores};
pub use telemetry::{
    ALERTS_MAX, About, AlertFact, AlertName, CallJournal, EVENT_GROUPS, JOURNALLED_ORDERS_MAX, SpanFact,
    Telemetry,
};
