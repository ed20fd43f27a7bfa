//! The servers that are tested against, and this side of them.

use node::{Node, RealOptions};

#[cfg(feature = "kafka")]
pub(crate) use servers::optional_server;
pub(crate) use servers::{OwnServer, fresh_name, server, until};

/// A node on this machine.
pub(crate) fn node() -> Node {
    Node::real(RealOptions { name: "test".to_owned(), ..RealOptions::default() })
}
