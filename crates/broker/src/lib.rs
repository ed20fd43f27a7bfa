//! The embedded broker: topics, groups and dead letters, with nothing to install.
//!
//! A service like the others: it runs on a [`Node`], real or simulated, and keeps what it has acknowledged in one file
//! on the node's disk. [`serve`] runs it, [`Client`] is the port [`domain::broker::Broker`] over its HTTP.
//!
//! ```text
//!  Client ──HTTP──▶ server ──queue──▶ owner ─┬─▶ engine   what is where, pure
//!                                            └─▶ store    one file, one transaction per turn
//! ```
//!
//! What is acknowledged (a publish, a verdict) was synced to the disk before; a message is given out only after that. What
//! it promises in detail, its protocol and its bounds are in `docs/broker.md`.

mod admin;
mod client;
mod engine;
mod mischief;
mod owner;
mod server;
mod store;
mod wire;

use std::io;

use node::http::ServerOptions;
pub use node::redb::OpenError;
use node::{Listener, Node};
use thiserror::Error;

pub use self::admin::router as admin_router;
pub use self::client::{Client, ClientOptions};
use self::engine::Limits;
pub use self::mischief::{Mischief, MischiefControl};
use self::owner::{Desk, Shown};
pub use self::owner::{Facts, GroupFacts, REOPEN_EVERY, TopicFacts};

/// The port that the broker listens on, unless it is said otherwise.
pub const DEFAULT_PORT: u16 = 8084;
/// The name that the broker's host has, unless it is said otherwise.
pub const DEFAULT_HOST: &str = "broker";
/// How long a message's key may be, in bytes.
pub const KEY_BYTES_MAX: usize = 1_024;

/// How a broker runs.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Options {
    /// The port that it listens on; 0 lets a real system choose one. Default [`DEFAULT_PORT`].
    pub port: u16,
    /// The file on the node's disk. Default `broker.redb`.
    pub file: String,
    /// How many messages and dead letters it holds; more are refused. Default 1,000,000.
    pub messages_max: usize,
    /// How many bytes of messages it keeps in memory; the rest is on the disk only. Default 64 MiB.
    pub bytes_in_memory_max: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: DEFAULT_PORT,
            file: "broker.redb".to_owned(),
            messages_max: 1_000_000,
            bytes_in_memory_max: 64 << 20,
        }
    }
}

/// Why a broker does not run.
#[derive(Debug, Error)]
pub enum ServeError {
    /// Its file cannot be opened. [`OpenError::advice`] says what to do.
    #[error("the broker has no file")]
    Open(#[from] OpenError),
    /// Its port is taken, or may not be used.
    #[error("the broker cannot listen on port {port}")]
    Listen {
        /// The port.
        port: u16,
        /// Why.
        source: io::Error,
    },
}

impl ServeError {
    /// What whoever wants to run it can do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Open(error) => error.advice(),
            Self::Listen { .. } => {
                "choose another port with --port or --admin-port, or another address with --bind"
            }
        }
    }
}

/// A broker whose file is open and whose port is its own.
#[derive(Debug)]
pub struct Embedded {
    node: Node,
    desk: Desk,
    listener: Listener,
}

impl Embedded {
    /// Opens the file and takes the port.
    ///
    /// # Errors
    /// When its file cannot be opened, or its port is taken.
    pub async fn open(node: Node, options: Options) -> Result<Self, ServeError> {
        Self::open_disturbed(node, options, MischiefControl::default()).await
    }

    /// The same with a hand that does something to the messages on their way in.
    ///
    /// # Errors
    /// As [`Embedded::open`].
    pub async fn open_disturbed(
        node: Node,
        options: Options,
        mischief: MischiefControl,
    ) -> Result<Self, ServeError> {
        let Options { port, file, messages_max, bytes_in_memory_max } = options;
        let listener = node.listen(port).await.map_err(|source| ServeError::Listen { port, source })?;
        let limits = Limits { messages_max, body_bytes_max: bytes_in_memory_max };
        let desk = Desk::open(&node, &file, limits, mischief).await?;
        Ok(Self { node, desk, listener })
    }

    /// The port that it listens on.
    ///
    /// # Errors
    /// When the system no longer knows the socket.
    pub fn port(&self) -> io::Result<u16> {
        self.listener.port()
    }

    /// What it knows of itself, for whoever keeps evidence; it can be read as long as anybody holds it.
    #[must_use]
    pub fn watch(&self) -> Watch {
        Watch { facts: self.desk.facts.clone() }
    }

    /// Serves until the node is asked to stop and what was taken on is finished; then the file is closed.
    ///
    /// # Cancel safety
    /// Dropping the future stops accepting; what was accepted lives on with its node.
    pub async fn serve(self) {
        let Self { node, desk, listener } = self;
        let (asked, hushed) = (node.stopping().clone(), desk.clone());
        // Detached: it ends with the process at the latest.
        drop(node.spawn(async move {
            asked.begun().await;
            hushed.hush().await;
        }));
        let options = ServerOptions {
            connections_max: node.connections_max(),
            turned_away: server::turned_away(),
            ..ServerOptions::default()
        };
        node::http::serve(node.clone(), listener, server::router(desk.clone()), options).await;
        node.stopping().finished().await;
        desk.close().await;
    }
}

/// What a running broker knows of itself.
#[derive(Clone, Debug)]
pub struct Watch {
    facts: Shown,
}

impl Watch {
    /// The facts, as of its last turn.
    #[must_use]
    pub fn facts(&self) -> Facts {
        self.facts.read()
    }
}

/// Runs a broker on a node until it is asked to stop and has finished what it took on.
///
/// # Errors
/// When its file cannot be opened, or its port is taken.
///
/// # Cancel safety
/// Dropping the future stops accepting; what was accepted lives on with its node.
pub async fn serve(node: Node, options: Options) -> Result<(), ServeError> {
    Embedded::open(node, options).await?.serve().await;
    Ok(())
}
