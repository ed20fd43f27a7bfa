//! Load: when to ask, and what became of it.
//!
//! An open loop: orders are sent when the schedule says so, however slow the answers are, because real
//! customers do not wait for each other. A [`Load`] says how often; [`arrivals`] turns it into send times;
//! [`drive`] sends and writes down what the client saw. What to ask is handed in: this crate knows no orders.

mod answer;
mod arrivals;
mod drive;
mod duplicates;
mod plan;
mod quantity;

pub use arrivals::{ARRIVALS_MAX, Arrivals, arrivals};
pub use drive::{Ask, DriveOptions, Driven, drive};
pub use duplicates::Duplicates;
pub use plan::{Load, Spacing};
pub use quantity::{LoadError, Offset, RATE_MAX_PER_S, Rate, SPAN_MAX, Span};
