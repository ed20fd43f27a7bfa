//! A host's disk: files that outlive its processes.
//!
//! What a storage engine needs of a file, and no more: it is opened by name, read and written at offsets, given a
//! length, and synced. A write is safe from the loss of power only when a sync that began after it is complete.
//!
//! Real: a directory of the file system, and plain files in it. Simulated: files of the host, whose syncs take virtual
//! time ([`DiskFile::Sim`]). A closed enum, like the rest of this crate, so that an engine runs on both.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::sim::{SimFile, SimNode};

/// The disk of a node's host. Clones are the same disk.
#[derive(Clone, Debug)]
pub struct Disk {
    kind: Kind,
}

#[derive(Clone, Debug)]
enum Kind {
    /// The directory, if the node was given any.
    Real(Option<Arc<Path>>),
    Sim(SimNode),
}

/// An open file of a [`Disk`].
#[derive(Debug)]
pub enum DiskFile {
    /// One of the file system, open for reading and writing.
    Real(File),
    /// One of a simulated host.
    Sim(SimFile),
}

impl Disk {
    pub(crate) fn real(directory: Option<&Path>) -> Self {
        Self { kind: Kind::Real(directory.map(Arc::from)) }
    }

    pub(crate) fn sim(node: SimNode) -> Self {
        Self { kind: Kind::Sim(node) }
    }

    /// Opens a file by its name, an empty one when there is none of that name. Its directory is made when missing.
    ///
    /// # Errors
    /// When the node has no disk; when the file cannot be opened for writing or, new, not be made to last.
    pub fn open(&self, name: &str) -> io::Result<DiskFile> {
        match &self.kind {
            Kind::Real(directory) => {
                let directory = directory.as_deref().ok_or_else(no_directory)?;
                open_real(directory, name).map(DiskFile::Real)
            }
            Kind::Sim(node) => node.open_file(name).map(DiskFile::Sim),
        }
    }

    /// Where a file of that name is, for people.
    #[must_use]
    pub fn place(&self, name: &str) -> String {
        match &self.kind {
            Kind::Real(directory) => directory
                .as_deref()
                .map_or_else(|| PathBuf::from(name), |in_it| in_it.join(name))
                .display()
                .to_string(),
            Kind::Sim(node) => format!("{}:{name}", node.name()),
        }
    }
}

fn no_directory() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, "this node was given no directory for its files")
}

fn open_real(directory: &Path, name: &str) -> io::Result<File> {
    if directory.exists() && !directory.is_dir() {
        let what = format!("{} is not a directory", directory.display());
        return Err(io::Error::new(io::ErrorKind::NotADirectory, what));
    }
    fs::create_dir_all(directory)?;
    let path = directory.join(name);
    let is_new = !path.exists();
    // What is in it stays: it is the state of the process before this one.
    let file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
    if is_new {
        sync_directory(directory)?;
    }
    Ok(file)
}

/// A new file outlives a loss of power only when its directory is synced too.
#[cfg(unix)]
fn sync_directory(directory: &Path) -> io::Result<()> {
    File::open(directory)?.sync_all()
}

/// Other systems do not open directories as files, and keep their entries by themselves.
#[cfg(not(unix))]
fn sync_directory(_directory: &Path) -> io::Result<()> {
    Ok(())
}
