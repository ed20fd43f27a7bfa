//! Load: when to ask, and what became of it.
//!
//! An open loop: orders are sent when the schedule says so, however slow the answers are, because real
//! customers do not wait for each other. A [`Load`] says how often; [`arrivals`] turns it into send times;
//! [`drive`] sends and writes down what the client saw. A closed loop ([`drive_users`]) is there for what has
//! a fixed number of callers, each of which waits. Where there are replicas to ask, clients choose ([`Balance`]). What to ask is handed in: this crate knows no orders.

mod answer;
mod arrivals;
pub mod attack;
mod balance;
mod drive;
mod duplicates;
mod duration;
pub mod hit;
mod log;
mod pace;
mod plan;
mod quantity;
mod rates;
pub mod series;
mod stop;
pub mod summary;
pub mod targets;
pub mod threshold;
mod users;

pub use arrivals::{ARRIVALS_MAX, Arrivals, arrivals};
pub use balance::{Balance, InFlight, Picker, TARGETS_MAX, Targets, TargetsError};
pub use drive::{Ask, DriveOptions, Driven, drive};
pub use duplicates::Duplicates;
pub use duration::{format_duration, parse_duration, rounded};
pub use plan::{Load, RateStep, STEPS_MAX, Spacing, Think, USERS_MAX};
pub use quantity::{LoadError, Offset, RATE_MAX_PER_S, Rate, SPAN_MAX, Span};
pub use rates::{AttackRate, Ramp, RateError, Stage};
pub use stop::{Stop, Stopper, stop};
pub use users::{Users, drive_users};
