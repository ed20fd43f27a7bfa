//! Stores in memory: for experiments, where a disk would only cost time, and for tests.
//!
//! What is committed here survives a crash of its *service*: the handles are owned by whoever runs the
//! service (the lab, or the process that was started), not by the service's tasks. That is the ladder's
//! stated assumption; durable adapters stand behind the same ports. It does not survive the end of the
//! process that owns it.
//!
//! A `std` mutex over ordered maps: every operation of a store is short, nothing awaits under the lock, and the
//! order of iteration is the same in every run.

mod broker;
mod charges;
mod forgetful;
mod notices;
mod orders;

pub use broker::MemoryBroker;
pub use charges::MemoryCharges;
pub use forgetful::{ForgetfulCharges, ForgetfulOrders};
pub use notices::MemoryNotices;
pub use orders::MemoryOrders;
