//! One direction between two hosts.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Notify;

use super::options::Latency;
use crate::rng::{Rng, named_rng};

/// Whether segments get through.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum LinkState {
    Open,
    /// Segments are lost, and retransmitted by their sender.
    Cut,
    /// Segments are kept, and handed on when the link is released.
    Held,
}

#[derive(Debug)]
pub(super) struct Link {
    pub(super) state: LinkState,
    pub(super) latency: Latency,
    /// Told when `state` changes: connection attempts wait for a held link.
    pub(super) changed: Arc<Notify>,
    rng: Rng,
}

impl Link {
    pub(super) fn new(seed: u64, from: &str, to: &str, latency: Latency) -> Self {
        Self {
            state: LinkState::Open,
            latency,
            changed: Arc::default(),
            rng: named_rng(seed, &format!("link/{from}/{to}")),
        }
    }

    pub(super) fn delay(&mut self) -> Duration {
        self.latency.sample(&mut self.rng)
    }
}
