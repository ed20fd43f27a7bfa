//! One service's view of the world: listen, connect, spawn, the clock, named random streams, a disk.
//!
//! A service receives a [`Node`] and cannot tell whether the world behind it is real (TCP and the
//! system's clock) or simulated ([`sim`]: virtual time, a network whose faults are driven from
//! outside). The seam is a set of closed enums ([`Node`], [`Stream`], [`Listener`], [`Task`]) and not
//! generics, which would spread through every type of every service, and not `cfg`, because both
//! worlds live in one release binary.
//!
//! [`http`] puts an HTTP/1.1 server loop and a pooled client on top, the same in both worlds.
//!
//! Rules for code that may run simulated are in `ARCHITECTURE.md`; the most important one is that every
//! task is spawned through [`Node::spawn`], because a task that is not tied to its host survives the
//! host's crash.

mod clock;
mod descriptors;
mod disk;
pub mod draw;
mod gauge;
pub mod http;
mod node;
mod real;
#[cfg(feature = "redb")]
pub mod redb;
mod rng;
pub mod sim;
mod stopping;
mod stream;
mod task;
mod timer;
mod usage;

pub use descriptors::raise_descriptors;
pub use disk::{Disk, DiskFile};
pub use gauge::{Gauge, GaugeGuard};
pub use node::Node;
pub use real::RealOptions;
pub use rng::{Rng, named_rng};
pub use stopping::{Stopping, Unfinished};
pub use stream::{Listener, Stream};
pub use task::{Stopped, Task};
pub use timer::Timer;
pub use usage::ProcessUsage;
