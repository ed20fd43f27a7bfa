//! The engine's file and the log beside it: opened together, closed together, of one store.

use std::io;
use std::sync::Arc;

use node::Node;
use node::redb::{OpenError, Synced};
use rand::Rng as _;
use redb::Database;
use tokio::sync::oneshot;

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
    files: Files,
    open: Option<Open>,
    /// Those that are being closed.
    closing: Option<oneshot::Receiver<()>>,
}

/// See [`Engine`].
#[derive(Debug)]
pub(super) struct Open {
    pub(super) database: Arc<Database>,
    /// What is to be waited for after a transaction.
    pub(super) synced: Synced,
    pub(super) log: Log,
}

/// Which files they are.
#[derive(Clone, Debug)]
struct Files {
    node: Node,
    file: String,
    place: String,
}

impl Engine {
    /// Opens the files, with a first view of them: where it is asked for, because nobody is served yet.
    pub(super) async fn open(node: Node, file: &str) -> Result<(Self, Arc<View>), OpenError> {
        let place = node.disk().place(file);
        let view = Arc::new(View::new(place.clone()));
        let files = Files { node, file: file.to_owned(), place };
        let open = files.open_seen_by(&view).await?;
        Ok((Self { files, open: Some(open), closing: None }, view))
    }

    /// Closes the files and opens them again: what is durable is there again, all of it in the tables. All of both files
    /// is read for that, while others are served, so on a real host it is done by a thread of its own.
    pub(super) async fn reopen(&mut self, view: &Arc<View>) -> Result<(), OpenError> {
        self.close(view, "it is being opened again");
        self.closed().await;
        let (files, view) = (self.files.clone(), Arc::clone(view));
        let (reply, opened) = oneshot::channel();
        let work = async move {
            let outcome = files.open_seen_by(&view).await;
            // Whoever does not wait any more has ended.
            let _gone = reply.send(outcome);
        };
        let io = |source| OpenError::Io { place: self.files.place.clone(), source };
        self.files.node.spawn_dedicated("open", work).map_err(io)?;
        let ended = |_ended| io(io::Error::other("the thread that opens it has ended"));
        self.open = Some(opened.await.map_err(ended)??);
        Ok(())
    }

    /// Lets go of the files, if they are open; readers are told why. The engine tidies up when it goes, on the disk: that
    /// is a thread's as well.
    pub(super) fn close(&mut self, view: &View, why: &str) {
        view.hide(why.to_owned());
        let Some(open) = self.open.take() else { return };
        let (reply, closed) = oneshot::channel();
        let work = async move {
            drop(open);
            // Whoever does not wait any more has ended.
            let _gone = reply.send(());
        };
        // Without a thread they are closed here.
        let _no_thread = self.files.node.spawn_dedicated("close", work);
        self.closing = Some(closed);
    }

    /// Waits until the files that were let go of are closed: only then can anybody open them.
    pub(super) async fn closed(&mut self) {
        if let Some(closed) = self.closing.take() {
            // An error says that there was no thread for it.
            let _closed = closed.await;
        }
    }

    /// What is open.
    pub(super) fn files(&mut self) -> Option<&mut Open> {
        self.open.as_mut()
    }
}

impl Files {
    async fn open_seen_by(&self, view: &View) -> Result<Open, OpenError> {
        let open = self.open()?;
        // What was in the log is seen when the tables have it: then nothing can take it away any more.
        open.synced.wait().await;
        view.show(&open.database).map_err(|fault| cannot_read(&self.place, fault))?;
        Ok(open)
    }

    fn open(&self) -> Result<Open, OpenError> {
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
}

fn cannot_read(place: &str, fault: Fault) -> OpenError {
    match fault {
        Fault::Engine(error) => OpenError::engine(place, error),
        other => OpenError::Damaged { place: place.to_owned(), detail: other.to_string() },
    }
}
