//! One of the log's files, on a real disk or a simulated one.

use std::io;

use node::sim::SimFile;
use node::{Disk, DiskFile};
use redb::StorageBackend as _;
use redb::backends::FileBackend;

use super::LogError;

/// A page, as most systems have them.
const PAGE: [u8; 4 << 10] = [0; 4 << 10];

/// See the module. Real files go through the engine's own access to files, which is that of all systems it runs on.
#[derive(Debug)]
pub(super) enum LogFile {
    Real(FileBackend),
    Sim(SimFile),
}

impl LogFile {
    /// Opens a file, an empty one when there is none.
    pub(super) fn open(disk: &Disk, name: &str) -> Result<Self, LogError> {
        Ok(match disk.open(name)? {
            DiskFile::Real(file) => Self::Real(FileBackend::new(file)?),
            DiskFile::Sim(file) => Self::Sim(file),
        })
    }

    /// All that is in it.
    pub(super) fn all(&self) -> io::Result<Vec<u8>> {
        let length = match self {
            Self::Real(file) => file.len()?,
            Self::Sim(file) => file.len()?,
        };
        let mut bytes = vec![0; usize::try_from(length).map_err(io::Error::other)?];
        match self {
            Self::Real(file) => file.read(0, &mut bytes)?,
            Self::Sim(file) => file.read(0, &mut bytes)?,
        }
        Ok(bytes)
    }

    pub(super) fn write(&self, at: u64, data: &[u8]) -> io::Result<()> {
        match self {
            Self::Real(file) => file.write(at, data),
            Self::Sim(file) => file.write(at, data),
        }
    }

    /// Makes it longer, by zeros.
    ///
    /// A real file by one page after the other: what comes at once the system keeps as one large page, and searches all of
    /// it whenever a record is written into a part of it, and again when that is synced.
    pub(super) fn lengthen(&self, from: u64, to: u64) -> io::Result<()> {
        match self {
            Self::Real(file) => (from..to).step_by(PAGE.len()).try_for_each(|at| file.write(at, &PAGE)),
            Self::Sim(file) => file.write(from, &vec![0; usize::try_from(to - from).unwrap_or(0)]),
        }
    }

    /// On a real disk it returns when everything is durable; on a simulated one it begins to be.
    pub(super) fn sync(&self) -> io::Result<()> {
        match self {
            Self::Real(file) => file.sync_data(),
            Self::Sim(file) => file.sync(),
        }
    }

    /// Returns when everything is durable that was synced until now.
    pub(super) async fn synced(&self) {
        match self {
            Self::Real(_) => {}
            Self::Sim(file) => file.synced().await,
        }
    }
}
