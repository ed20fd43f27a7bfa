//! A node's file as redb wants one.

use node::DiskFile;
use redb::backends::FileBackend;
use redb::{Database, DatabaseError};

/// How much of a file is kept in memory, at most.
const CACHE_BYTES_MAX: usize = 128 << 20;

/// What is to be waited for after a commit until it is durable.
#[derive(Debug)]
pub(super) enum Synced {
    /// Nothing: committing has waited.
    Already,
}

impl Synced {
    /// Returns when everything is durable that was synced until now.
    pub(super) async fn wait(&self) {
        match self {
            Self::Already => {}
        }
    }
}

/// Opens the database in a file; makes one in an empty file. Verifies all of it.
pub(super) fn open(file: DiskFile) -> Result<(Database, Synced), DatabaseError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES_MAX).set_check_integrity_on_open(true);
    match file {
        DiskFile::Real(file) => Ok((builder.create_with_backend(FileBackend::new(file)?)?, Synced::Already)),
    }
}
