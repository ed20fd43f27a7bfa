//! Opening a file, and what is in it.

use node::Disk;
pub use node::redb::OpenError;
use node::redb::Synced;
use redb::Database;

use super::fault::Fault;
use super::tables::{Found, SCHEMA, prepare};
use super::view::View;

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
            node::redb::open(file).map_err(|error| OpenError::database(&self.place, error))?;
        match prepare(&database).map_err(|fault| cannot_read(&self.place, fault))? {
            Found::Ours => {}
            Found::Newer(found) => {
                return Err(OpenError::Newer { place: self.place.clone(), found, known: SCHEMA });
            }
            Found::Foreign => return Err(OpenError::Foreign { place: self.place.clone() }),
        }
        view.show(&database).map_err(|fault| cannot_read(&self.place, fault))?;
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

fn cannot_read(place: &str, fault: Fault) -> OpenError {
    match fault {
        Fault::Engine(error) => OpenError::engine(place, error),
        other => OpenError::Damaged { place: place.to_owned(), detail: other.to_string() },
    }
}
