//! Why a transaction could not go on.

use domain::{Effect, StoreError};
use thiserror::Error;

/// The engine failed, or the file holds what cannot be read. No part of the port's contract: the batch is over.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// The engine, most often because of the disk.
    #[error(transparent)]
    Engine(redb::Error),
    /// A value that this program did not write.
    #[error("what is stored under {key} cannot be read: {source}")]
    Unreadable { key: String, source: serde_json::Error },
}

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Engine(error.into())
    }
}

impl Fault {
    /// What a caller is told.
    pub(super) fn told(&self, place: &str, effect: Effect) -> StoreError {
        StoreError::Unavailable { detail: format!("{place}: {self}"), effect }
    }
}
