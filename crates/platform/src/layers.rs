//! The platform's own layers: detaching work from connections, and counting it.
//!
//! The constraints themselves come from `resilience`; these are what stands around them.

mod admission;
mod answered;
mod backlog;
mod backpressure;
mod closing;
mod credits;
mod detach;
mod in_flight;
mod keys;
mod quota;
mod refusals;
mod watch_orders;

pub(crate) use admission::admission;
pub(crate) use backlog::BacklogLayer;
pub(crate) use backpressure::{credit_gate, worker_pool};
pub(crate) use closing::ClosingLayer;
pub(crate) use credits::{CreditWindow, GrantCreditsLayer};
pub(crate) use detach::{DetachLayer, ThresholdLayer};
pub(crate) use in_flight::InFlightLayer;
pub(crate) use keys::{idempotency_problem, process};
pub(crate) use watch_orders::WatchOrdersLayer;
