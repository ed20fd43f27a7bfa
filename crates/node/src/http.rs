//! HTTP/1.1 on a node: a server loop and a pooled client, the same in both worlds.
//!
//! An own accept loop instead of a framework's `serve`, because that spawns past the node; hyper beneath,
//! because it is what real services run on, and its behaviour under resets, pools and early answers is
//! part of what is studied.

mod client;
mod error;
mod server;

pub use client::{Client, ClientOptions};
pub use error::{CallError, Fate};
pub use server::{CONNECTIONS_MAX, HEAD_BYTES_MAX, ServerOptions, serve};
