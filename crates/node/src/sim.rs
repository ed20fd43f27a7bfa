//! The simulated world: hosts, their processors and descriptors, and a network like TCP, in virtual time.
//!
//! A world lives on one paused `current_thread` tokio runtime. Nothing in it takes time but what is
//! modelled, and the clock jumps to the next timer when every task waits, so that a simulated minute
//! takes as long as the work in it. The same seed gives the same bytes.
//!
//! # The network
//! * Each directed link has its own [`Latency`] and its own random stream. Delays are whole
//!   milliseconds, rounded up, at least one: tokio's timers can do no finer.
//! * A connection is a pair of bounded byte pipes. Bytes arrive in order.
//! * A **cut** link loses segments. Like TCP, the sender retransmits with exponential back-off ([`tcp`]), so
//!   that a stalled stream resumes some time *after* the link has healed, and nothing is lost for good.
//!   A cut may be one-way. A **held** link keeps segments and hands them on when it is released.
//! * **Kill** ends a process: its peers get resets, new connections are refused.
//! * **Power-off** is silent: peers wait. Data sent to a host that is off is retransmitted; when the host is
//!   back it no longer knows the connection and answers with a reset. A peer that sends nothing and only
//!   waits for an answer is never told, as on a real network without keep-alive probes.
//! * **Restart** gives the host a fresh process table; whoever owns the services starts new ones.
//! * A listener has a bounded accept backlog; a connection attempt that finds it full, or finds no host, is
//!   repeated after 1, 2, 4 … seconds. A host has a limit of descriptors: without one left nothing is
//!   accepted and nobody connects, until one comes free.
//!
//! # The processors
//! Computing costs no virtual time by itself. A host has cores and a cost per request (one that is refused,
//! one that is served), kept as the instant at which each core is free again, so that refusing has a price
//! and a host can saturate.
//!
//! # The disks
//! Each host has files that outlive its processes; what was not synced is lost, in part or torn, when the power
//! fails (`SimFile`).
//!
//! Faults come from outside, through [`SimWorld`], and never through the simulated network itself.
//! What is missing is listed in [`NOT_MODELLED`].

mod conn;
mod connect;
mod control;
mod cpu;
mod deliveries;
mod descriptors;
mod disk;
mod disturb;
mod host;
mod link;
mod listener;
mod node;
mod options;
mod stream;
pub mod tcp;
mod world;

pub use control::{SimWorld, UnknownHost};
pub use disk::SimFile;
pub use options::{BadLatency, HostOptions, Latency, Topology};

pub(crate) use cpu::Work;
pub(crate) use listener::SimListener;
pub(crate) use node::SimNode;
pub(crate) use stream::SimStream;

/// What a simulated run does not show. Printed at the foot of every report of one.
pub const NOT_MODELLED: &[&str] = &[
    "time is in steps of 1 ms: links and timers below that are rounded up",
    "computing costs virtual time only as a fixed price per HTTP request (accepting, answering); memory, garbage and cache effects cost nothing",
    "bandwidth, congestion control, packet loss at random, reordering and duplication of packets: a link has latency, cuts and holds",
    "acknowledgements: a one-way cut stalls data in its own direction only",
    "TCP keep-alive probes, and TCP giving up on a connection after a quarter of an hour of retransmissions",
    "TLS, DNS, HTTP/2, proxies and load balancers",
    "disks, in experiments: what a service committed to its in-memory store survives a crash of its host",
];
