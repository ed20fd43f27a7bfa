//! The broker as a process on TCP and as a host of a simulated world.

mod contract;
mod crash;
mod hardship;
mod process;
mod support;
