//! Why a transaction could not go on.

use std::io;

use domain::{Effect, StoreError};
use thiserror::Error;

use super::row::NoRow;

/// The engine failed, or the file holds what cannot be read. No part of the port's contract: the batch is over.
#[derive(Debug, Error)]
pub(super) enum Fault {
    /// The engine, most often because of the disk.
    #[error(transparent)]
    Engine(redb::Error),
    /// A value that this program did not write.
    #[error("what is stored under {key} cannot be read: {source}")]
    Unreadable { key: String, source: serde_json::Error },
    /// A record of the log that this program did not write.
    #[error("its log cannot be read: {0}")]
    Log(NoRow),
    /// Nobody brings the log into the tables: there is no thread for it, or it has panicked.
    #[error("what is in the log could not be brought into the tables")]
    NoCheckpoint,
}

impl From<NoRow> for Fault {
    fn from(error: NoRow) -> Self {
        Self::Log(error)
    }
}

macro_rules! from_the_engine {
    ($($error:ty),*) => {$(
        impl From<$error> for Fault {
            fn from(error: $error) -> Self {
                Self::Engine(error.into())
            }
        }
    )*};
}

from_the_engine!(redb::StorageError, redb::TableError, redb::TransactionError, redb::CommitError);

/// The disk.
impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Engine(redb::Error::Io(error))
    }
}

impl Fault {
    /// What a caller is told.
    pub(super) fn told(&self, place: &str, effect: Effect) -> StoreError {
        StoreError::Unavailable { detail: format!("{place}: {self}"), effect }
    }
}
