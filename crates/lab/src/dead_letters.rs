//! Dead letters of a running platform, as its broker keeps them.

use std::{net::Ipv4Addr, sync::Arc};

use node::{Node, RealOptions};

pub use domain::{
    Message,
    broker::{BrokerError, DeadLetter, DeadLetterFilter, DeadLetters, FailedAttempt},
};

use crate::serve::{BROKER_PORT, BrokerUrl};

/// The dead letters of a broker. Connects to nothing yet, and never fails; `embedded://` is the one on this machine at
/// its usual port.
///
/// Must be called within a tokio runtime that has its time and network drivers enabled.
#[must_use]
pub fn open(url: &BrokerUrl) -> Arc<dyn DeadLetters> {
    let node = Node::real(RealOptions { name: "dlq".to_owned(), ..RealOptions::default() });
    let here = BrokerUrl::EmbeddedAt((Ipv4Addr::LOCALHOST, BROKER_PORT).into());
    let url = if url.is_own() { &here } else { url };
    url.open(&node).dead_letters
}
