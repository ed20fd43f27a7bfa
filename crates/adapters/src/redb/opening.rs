//! Opening a file, and what can be wrong with it.

use std::io;

use node::Disk;
use redb::{Database, DatabaseError, StorageError};
use thiserror::Error;

use super::backend::{self, Synced};
use super::fault::Fault;
use super::tables::{Found, SCHEMA, prepare};
use super::view::View;

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
    #[error("{place} was written by a newer version of this program: schema {found}, known up to {SCHEMA}")]
    Newer {
        /// Where the file is.
        place: String,
        /// The schema that it has.
        found: u64,
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

impl OpenError {
    /// What whoever wants to open it can do.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::InUse { .. } => "stop the process that uses it, or choose another directory with --data",
            Self::Newer { .. } => {
                "use the version of this program that wrote it, or choose another directory with --data"
            }
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

    fn database(place: &str, error: DatabaseError) -> Self {
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

    fn fault(place: &str, fault: Fault) -> Self {
        match fault {
            Fault::Engine(redb::Error::Io(source)) => Self::Io { place: place.to_owned(), source },
            other => Self::Damaged { place: place.to_owned(), detail: other.to_string() },
        }
    }
}

/// The open file, in the hands of its writer.
#[derive(Debug)]
pub(super) struct Engine {
    disk: Disk,
    file: String,
    place: String,
    open: Option<(Database, Synced)>,
}

impl Engine {
    /// Opens the file, with a first view of it.
    pub(super) fn open(disk: Disk, file: &str) -> Result<(Self, View), OpenError> {
        let place = disk.place(file);
        let view = View::new(place.clone());
        let mut engine = Self { disk, file: file.to_owned(), place, open: None };
        engine.reopen(&view)?;
        Ok((engine, view))
    }

    /// Closes the file and opens it again: what is durable is there again.
    pub(super) fn reopen(&mut self, view: &View) -> Result<(), OpenError> {
        self.close(view, "it is being opened again");
        let io = |source| OpenError::Io { place: self.place.clone(), source };
        let file = self.disk.open(&self.file).map_err(io)?;
        let (database, synced) =
            backend::open(file).map_err(|error| OpenError::database(&self.place, error))?;
        match prepare(&database).map_err(|fault| OpenError::fault(&self.place, fault))? {
            Found::Ours => {}
            Found::Newer(found) => return Err(OpenError::Newer { place: self.place.clone(), found }),
            Found::Foreign => return Err(OpenError::Foreign { place: self.place.clone() }),
        }
        view.show(&database).map_err(|fault| OpenError::fault(&self.place, fault))?;
        self.open = Some((database, synced));
        Ok(())
    }

    /// Closes the file, if it is open; readers are told why.
    pub(super) fn close(&mut self, view: &View, why: &str) {
        view.hide(why.to_owned());
        self.open = None;
    }

    /// The database, while the file is open.
    pub(super) fn database(&self) -> Option<&Database> {
        self.open.as_ref().map(|(database, _)| database)
    }

    /// What is to be waited for until the last commit is durable.
    pub(super) fn synced(&self) -> &Synced {
        self.open.as_ref().map_or(&Synced::Already, |(_, synced)| synced)
    }
}
