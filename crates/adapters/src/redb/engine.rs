//! The engine's file and the log beside it: opened together, closed together, of one store.

use std::sync::Arc;

use node::Node;
use node::redb::{OpenError, Synced};
use rand::Rng as _;
use redb::Database;

use super::checkpoint::{self, Frozen, Sweep};
use super::fault::Fault;
use super::log::{Log, LogError, Recovered};
use super::overlay::Overlay;
use super::row::Row;
use super::tables::{Found, SCHEMA, prepare};
use super::view::{Numbers, View};

/// The open files, in the hands of their writer.
#[derive(Debug)]
pub(super) struct Engine {
    node: Node,
    file: String,
    place: String,
    open: Option<Open>,
}

/// See [`Engine`].
#[derive(Debug)]
pub(super) struct Open {
    pub(super) database: Arc<Database>,
    /// What is to be waited for after a transaction.
    pub(super) synced: Synced,
    pub(super) log: Log,
}

impl Engine {
    /// Opens the files, with a first view of them.
    pub(super) async fn open(node: Node, file: &str) -> Result<(Self, View), OpenError> {
        let place = node.disk().place(file);
        let view = View::new(place.clone());
        let mut engine = Self { node, file: file.to_owned(), place, open: None };
        engine.reopen(&view).await?;
        Ok((engine, view))
    }

    /// Closes the files and opens them again: what is durable is there again, all of it in the tables.
    pub(super) async fn reopen(&mut self, view: &View) -> Result<(), OpenError> {
        self.close(view, "it is being opened again");
        let open = self.open_files()?;
        // What was in the log is seen when the tables have it: then nothing can take it away any more.
        open.synced.wait().await;
        view.show(&open.database).map_err(|fault| cannot_read(&self.place, fault))?;
        self.open = Some(open);
        Ok(())
    }

    fn open_files(&self) -> Result<Open, OpenError> {
        let disk = self.node.disk();
        let io = |source| OpenError::Io { place: self.place.clone(), source };
        let file = disk.open(&self.file).map_err(io)?;
        // The engine's lock is for the log as well: first it.
        let (database, synced) =
            node::redb::open(file).map_err(|error| OpenError::database(&self.place, error))?;
        let fault = |fault| cannot_read(&self.place, fault);
        let (store, after) = match prepare(&database, self.fresh_number()).map_err(fault)? {
            Found::Ours { store, log } => (store, log),
            Found::Newer(found) => {
                return Err(OpenError::Newer { place: self.place.clone(), found, known: SCHEMA });
            }
            Found::Foreign => return Err(OpenError::Foreign { place: self.place.clone() }),
        };
        let opened = Log::open(&self.node, &self.file, store, after);
        let (log, recovered) = opened.map_err(|error| self.no_log(error))?;
        self.bring_in(&database, &log, recovered).map_err(fault)?;
        Ok(Open { database: Arc::new(database), synced, log })
    }

    /// What the tables do not have yet.
    fn bring_in(&self, database: &Database, log: &Log, recovered: Recovered) -> Result<(), Fault> {
        let (mut overlay, mut numbers) = (Overlay::default(), None);
        for content in &recovered.contents {
            let mut rest = &content[..];
            numbers = Some(Numbers::decode(&mut rest)?);
            while !rest.is_empty() {
                overlay.put(Row::decode(&mut rest)?);
            }
        }
        if !recovered.contents.is_empty() {
            let (records, changes) = (recovered.contents.len(), overlay.len());
            tracing::info!(
                place = self.place,
                records,
                changes,
                "what the log has is brought into the tables"
            );
        }
        let frozen = Frozen { overlay, numbers, last: log.last() };
        checkpoint::write(database, &frozen, Sweep::NOTHING).map(drop)
    }

    /// A number that no other store has.
    fn fresh_number(&self) -> u64 {
        let stream = format!("store/{}/{}", self.file, self.node.elapsed().as_nanos());
        self.node.rng(&stream).next_u64()
    }

    fn no_log(&self, error: LogError) -> OpenError {
        match error {
            LogError::Io(source) => OpenError::Io { place: self.place.clone(), source },
            LogError::Engine(error) => OpenError::database(&self.place, error),
            other => OpenError::Damaged { place: self.place.clone(), detail: other.to_string() },
        }
    }

    /// Closes the files, if they are open; readers are told why.
    pub(super) fn close(&mut self, view: &View, why: &str) {
        view.hide(why.to_owned());
        self.open = None;
    }

    /// What is open.
    pub(super) fn files(&mut self) -> Option<&mut Open> {
        self.open.as_mut()
    }
}

fn cannot_read(place: &str, fault: Fault) -> OpenError {
    match fault {
        Fault::Engine(error) => OpenError::engine(place, error),
        other => OpenError::Damaged { place: place.to_owned(), detail: other.to_string() },
    }
}
