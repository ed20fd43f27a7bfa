//! A node's file as the engine redb wants one: on a real disk and on a simulated one.

mod opening;

use std::io;

use ::redb::backends::FileBackend;
use ::redb::{Database, DatabaseError, StorageBackend};

pub use self::opening::{OpenError, at_place};
use crate::disk::DiskFile;
use crate::sim::SimFile;

/// How much of a file is kept in memory, at most: so little that a process is as large as it gets within its first
/// minutes. The system keeps the rest of what is read often.
const CACHE_BYTES_MAX: usize = 32 << 20;

/// What is to be waited for after a commit until it is durable.
#[derive(Clone, Debug)]
pub enum Synced {
    /// Nothing: committing has waited.
    Already,
    /// A simulated disk, on which nothing can wait but a task.
    When(SimFile),
}

impl Synced {
    /// Returns when everything is durable that was synced until now.
    pub async fn wait(&self) {
        match self {
            Self::Already => {}
            Self::When(file) => file.synced().await,
        }
    }
}

/// A simulated file. One process runs on its host at a time, so there is nothing to lock.
#[derive(Debug)]
struct Simulated(SimFile);

impl StorageBackend for Simulated {
    fn len(&self) -> io::Result<u64> {
        self.0.len()
    }

    fn read(&self, offset: u64, out: &mut [u8]) -> io::Result<()> {
        self.0.read(offset, out)
    }

    fn set_len(&self, len: u64) -> io::Result<()> {
        self.0.set_len(len)
    }

    fn sync_data(&self) -> io::Result<()> {
        self.0.sync()
    }

    fn write(&self, offset: u64, data: &[u8]) -> io::Result<()> {
        self.0.write(offset, data)
    }
}

/// Opens the database in a file; makes one in an empty file. Verifies all of it.
///
/// # Errors
/// When the file is in use, is damaged, is no database, or cannot be read and written.
pub fn open(file: DiskFile) -> Result<(Database, Synced), DatabaseError> {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES_MAX).set_check_integrity_on_open(true);
    match file {
        DiskFile::Real(file) => Ok((builder.create_with_backend(FileBackend::new(file)?)?, Synced::Already)),
        DiskFile::Sim(file) => {
            let database = builder.create_with_backend(Simulated(file.clone()))?;
            Ok((database, Synced::When(file)))
        }
    }
}
