//! What can be wrong with a file.

use std::io;

use ::redb::{DatabaseError, StorageError};
use thiserror::Error;

/// Why a file cannot be a store. [`OpenError::advice`] says what to do about it.
#[derive(Debug, Error)]
pub enum OpenError {
    /// Another process has it.
    #[error("{place} is in use by another process")]
    InUse {
        /// Where the file is.
        place: String,
    },
    /// A later version of this program wrote it.
    #[error("{place} was written by a newer version of this program: schema {found}, known up to {known}")]
    Newer {
        /// Where the file is.
        place: String,
        /// The schema that it has.
        found: u64,
        /// The highest that this program knows.
        known: u64,
    },
    /// A platform of another form keeps its data beside it.
    #[error("{place} belongs to {whose}")]
    Others {
        /// The file that is there already.
        place: String,
        /// Whose it is.
        whose: &'static str,
    },
    /// It holds something else.
    #[error("{place} is not a store of this program")]
    Foreign {
        /// Where the file is.
        place: String,
    },
    /// What is in it is not what was written.
    #[error("{place} is damaged: {detail}")]
    Damaged {
        /// Where the file is.
        place: String,
        /// In the engine's words.
        detail: String,
    },
    /// The system says no.
    #[error("{place} cannot be opened")]
    Io {
        /// Where the file is.
        place: String,
        /// Why.
        source: io::Error,
    },
}

/// What is wrong with a file, with the place in front; an [`OpenError`] has said it itself.
#[must_use]
pub fn at_place(place: &str, detail: &str) -> String {
    if detail.starts_with(place) { detail.to_owned() } else { format!("{place}: {detail}") }
}

impl OpenError {
    /// What is wrong, with what is behind it, on one line.
    #[must_use]
    pub fn in_full(&self) -> String {
        let mut text = self.to_string();
        let mut source = std::error::Error::source(self);
        while let Some(behind) = source {
            text.push_str(": ");
            text.push_str(&behind.to_string());
            source = behind.source();
        }
        text
    }

    /// What whoever wants to open it can do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "stop the process that uses it, or choose another directory with --data",
            Self::Newer { .. } => {
                "use the version of this program that wrote it, or choose another directory with --data"
            }
            Self::Others { .. } => "choose another directory with --data",
            Self::Foreign { .. } => "move the file away, or choose another directory with --data",
            Self::Damaged { .. } => {
                "restore it from a copy, or move it away to begin with an empty store (what was in it is lost then)"
            }
            Self::Io { source, .. } => match source.kind() {
                io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => {
                    "make room on that disk, or choose another directory with --data"
                }
                _ => "choose a directory that this process may write to with --data",
            },
        }
    }

    /// What went wrong when the engine opened a file.
    #[must_use]
    pub fn database(place: &str, error: DatabaseError) -> Self {
        let place = place.to_owned();
        match error {
            DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => Self::InUse { place },
            DatabaseError::Storage(StorageError::Io(source))
                if source.kind() == io::ErrorKind::InvalidData =>
            {
                Self::Foreign { place }
            }
            DatabaseError::Storage(StorageError::Io(source)) => Self::Io { place, source },
            DatabaseError::UpgradeRequired(_) => Self::Foreign { place },
            other => Self::Damaged { place, detail: other.to_string() },
        }
    }

    /// What went wrong when the engine read a file that it had opened.
    #[must_use]
    pub fn engine(place: &str, error: ::redb::Error) -> Self {
        let place = place.to_owned();
        match error {
            ::redb::Error::Io(source) => Self::Io { place, source },
            other => Self::Damaged { place, detail: other.to_string() },
        }
    }
}
