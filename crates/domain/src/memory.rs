//! Stores in memory: the adapters of a platform that keeps nothing on disk yet.
//!
//! What is committed here survives a crash of its *service*: the handles are owned by whoever runs the
//! service (the lab, or the process that was started), not by the service's tasks. That is the first
//! ladder's stated assumption, and it is replaced by durable adapters behind the same ports. It does
//! not survive the end of the process that owns it.
//!
//! A `std` mutex over ordered maps: every operation is short, nothing awaits under the lock, and the
//! order of iteration is the same in every run.

mod charges;
mod orders;

pub use charges::MemoryCharges;
pub use orders::MemoryOrders;
