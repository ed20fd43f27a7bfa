//! Dead letters of a running platform, as its broker keeps them.

use std::sync::Arc;

use node::{Node, RealOptions};

pub use domain::{
    Message,
    broker::{BrokerError, DeadLetter, DeadLetterFilter, DeadLetters, FailedAttempt},
};

use crate::serve::{BROKER, BROKER_PORT, BrokerUrl};

/// The dead letters of a broker. Connects to nothing yet, and never fails; `embedded://` is the one on this machine at
/// its usual port.
///
/// Must be called within a tokio runtime that has its time and network drivers enabled.
#[must_use]
pub fn open(url: &BrokerUrl) -> Arc<dyn DeadLetters> {
    let here = std::net::SocketAddr::from((std::net::Ipv4Addr::LOCALHOST, BROKER_PORT));
    let peers = [(BROKER.to_owned(), here)].into();
    let node = Node::real(RealOptions { name: "dlq".to_owned(), peers, ..RealOptions::default() });
    url.open(&node).dead_letters
}
