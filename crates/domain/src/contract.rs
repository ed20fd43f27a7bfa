//! The contract suites: what every adapter of a port has to do, in every detail that a service relies on.
//!
//! One suite per port, public, so that an adapter anywhere runs the same tests as the memory adapters
//! here. Each test makes itself a fresh store with `make` and panics with the sentence that was broken.

mod broker;
mod charges;
mod notices;
mod orders;
mod outbox;

pub use broker::{BrokerUnderTest, Pace, broker};
pub use charges::charge_store;
pub use notices::notice_store;
pub use orders::order_store;
pub use outbox::{Both, outbox};
