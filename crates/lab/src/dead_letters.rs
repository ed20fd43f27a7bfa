//! Dead letters of a running platform, as its broker keeps them.

use std::{net::Ipv4Addr, sync::Arc};

use node::{Node, RealOptions};

pub use domain::{
    Message,
    broker::{BrokerError, DeadLetter, DeadLetterFilter, DeadLetters, FailedAttempt},
};

use crate::serve::{BROKER_PORT, BrokerUrl};

/// Where a broker is: `embedded://` is the one on this machine at its usual port.
#[must_use]
pub fn place(url: BrokerUrl) -> BrokerUrl {
    if url.is_own() { BrokerUrl::EmbeddedAt((Ipv4Addr::LOCALHOST, BROKER_PORT).into()) } else { url }
}

/// The dead letters of a broker at a [`place`]. Connects to nothing yet, and never fails.
///
/// Must be called within a tokio runtime that has its time and network drivers enabled.
#[must_use]
pub fn open(place: &BrokerUrl) -> Arc<dyn DeadLetters> {
    let node = Node::real(RealOptions { name: "dlq".to_owned(), ..RealOptions::default() });
    place.open(&node).dead_letters
}
