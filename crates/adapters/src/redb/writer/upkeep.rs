//! What the writer does besides: it has what is in the log brought into the tables, in time and by somebody else, a thread
//! of its own on a real host.

use std::sync::Arc;
use std::time::Duration;

use domain::{Effect, StoreError};
use tokio::sync::oneshot;
use tokio::time::sleep;

use super::super::checkpoint::{self, Sweep};
use super::super::engine::Open;
use super::super::fault::Fault;
use super::super::records::SWEPT_PER_ANSWER;
use super::super::snapshot::Snapshot;
use super::Writer;

/// When what is in the log is brought into the tables: at any of these. At twice as much of the first two no batch is
/// taken before that is done.
#[derive(Clone, Copy, Debug)]
pub(in crate::redb) struct Bounds {
    /// When a file of the log is as long as this.
    pub(in crate::redb) log_bytes: u64,
    /// When as many things were changed.
    pub(in crate::redb) changes: usize,
    /// As long after the first change.
    pub(in crate::redb) every: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self { log_bytes: 16 << 20, changes: 65_536, every: Duration::from_secs(5) }
    }
}

/// What a checkpoint has come to.
#[derive(Debug)]
pub(super) struct Checkpointed {
    snapshot: Arc<Snapshot>,
    swept: usize,
}

impl Writer {
    /// Has a checkpoint made when one of the bounds is reached.
    pub(super) async fn keep_bounds(&mut self) {
        if self.checkpoint.is_some() && self.is_beyond(2) {
            // A failure has left its mark.
            let _failed = self.await_checkpoint().await;
        }
        if self.checkpoint.is_some() || self.trouble.is_some() {
            return;
        }
        if self.is_beyond(1) {
            self.begin_checkpoint(self.usual_sweep());
        } else if self.due.is_none() {
            self.due = Some(Box::pin(sleep(self.bounds.every)));
        }
    }

    fn is_beyond(&mut self, times: usize) -> bool {
        let bytes = self.engine.files().map_or(0, |open| open.log.bytes());
        bytes >= self.bounds.log_bytes * times as u64 || self.view.active_len() >= self.bounds.changes * times
    }

    /// Answers that are over, for those that have come.
    pub(super) fn usual_sweep(&self) -> Sweep {
        let come = self.view.look(|active| Some(active.records.len())).unwrap_or(0);
        Sweep { by: self.leases.latest(), at_most: come * SWEPT_PER_ANSWER }
    }

    /// Begins to bring what is in the log into the tables. None is being made already.
    pub(super) fn begin_checkpoint(&mut self, sweep: Sweep) {
        self.due = None;
        let Some(Open { database, synced, log }) = self.engine.files() else { return };
        let (database, synced) = (Arc::clone(database), synced.clone());
        let frozen = self.view.freeze(log.last());
        log.turn();
        let (reply, made) = oneshot::channel();
        let work = async move {
            let outcome = match checkpoint::write(&database, &frozen, sweep) {
                Ok(swept) => {
                    synced.wait().await;
                    Snapshot::of(&database)
                        .map(|snapshot| Checkpointed { snapshot: Arc::new(snapshot), swept })
                }
                Err(fault) => Err(fault),
            };
            // When this is known nobody but the writer has the file open.
            drop((database, frozen));
            // A writer that has ended need not know.
            let _gone = reply.send(outcome);
        };
        match self.node.spawn_dedicated("checkpoint", work) {
            Ok(()) => self.checkpoint = Some(made),
            Err(error) => self.fail(error.to_string()),
        }
    }

    /// A checkpoint has come to something: says how many answers it has swept.
    pub(super) fn made(&mut self, made: Result<Checkpointed, Fault>) -> Result<usize, StoreError> {
        // A file that was closed meanwhile is opened again with all of it.
        if let Some(trouble) = &self.trouble {
            return Err(self.unavailable(&trouble.detail));
        }
        match made {
            Ok(Checkpointed { snapshot, swept }) => {
                self.view.thaw(snapshot);
                if self.view.active_len() > 0 {
                    self.due = Some(Box::pin(sleep(self.bounds.every)));
                }
                Ok(swept)
            }
            Err(fault) => {
                self.fail(fault.to_string());
                Err(fault.told(&self.view.place, Effect::None))
            }
        }
    }

    pub(super) async fn await_checkpoint(&mut self) -> Result<usize, StoreError> {
        let made = made(&mut self.checkpoint).await;
        self.made(made)
    }

    pub(super) async fn sweep(&mut self, sweep: Sweep) -> Result<usize, StoreError> {
        self.recovered().await?;
        if self.checkpoint.is_some() {
            self.await_checkpoint().await?;
        }
        self.begin_checkpoint(sweep);
        self.await_checkpoint().await
    }
}

/// What becomes of the checkpoint that is being made.
pub(super) async fn made(
    checkpoint: &mut Option<oneshot::Receiver<Result<Checkpointed, Fault>>>,
) -> Result<Checkpointed, Fault> {
    let made = match checkpoint {
        Some(made) => made.await,
        None => return Err(Fault::NoCheckpoint),
    };
    *checkpoint = None;
    made.unwrap_or(Err(Fault::NoCheckpoint))
}
