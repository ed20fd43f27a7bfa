//! The simulated network and HTTP over both worlds, from outside.

mod connections;
mod faults;
mod http;
mod limits;
mod streams;
mod support;
