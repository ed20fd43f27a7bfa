//! Ids that a service gives out.
//!
//! Random and long enough never to meet another, those that clients choose included. The stream is named
//! by the instant at which the process began, so that a restarted one does not give its ids out again.

use std::sync::{Mutex, PoisonError};

use node::{Node, Rng};
use rand::Rng as _;

/// A source of ids with one prefix.
#[derive(Debug)]
pub(crate) struct IdSource {
    prefix: &'static str,
    rng: Mutex<Rng>,
}

impl IdSource {
    /// Ids from this node's own random stream.
    pub(crate) fn new(node: &Node, prefix: &'static str) -> Self {
        let stream = format!("ids-{prefix}/{}", node.elapsed().as_micros());
        Self { prefix, rng: Mutex::new(node.rng(&stream)) }
    }

    /// A fresh id, made by the id type's own checked constructor.
    pub(crate) fn fresh<T, E: std::fmt::Debug>(&self, new: impl FnOnce(String) -> Result<T, E>) -> T {
        let mut rng = self.rng.lock().unwrap_or_else(PoisonError::into_inner);
        let text = format!("{}-{:016x}{:016x}", self.prefix, rng.next_u64(), rng.next_u64());
        new(text).expect("letters, digits and a dash, and fewer than 64 of them")
    }
}

/// Microseconds on the node's timeline: the stamp on everything that is stored.
pub(crate) fn now_us(node: &Node) -> u64 {
    u64::try_from(node.elapsed().as_micros()).unwrap_or(u64::MAX)
}
