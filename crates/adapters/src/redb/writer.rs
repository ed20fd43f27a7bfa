//! The one who writes: takes what has queued, makes it one transaction, and answers when that is durable.

use std::sync::Arc;
use std::time::Duration;

use domain::{Effect, StoreError};
use node::Node;
use redb::ReadableDatabase;
use tokio::sync::{mpsc, oneshot};
use tokio::time::Instant;

use super::batch::{Batch, Changes};
use super::fault::Fault;
use super::job::{Job, Message};
use super::opening::Engine;
use super::records::Leases;
use super::tables::{META, PROBE_KEY};
use super::view::View;

/// How many changes one transaction has at most: enough that more would not make it cheaper per change.
const BATCH_MAX: usize = 1_024;

/// How often a file that failed is opened again, at most.
pub const REOPEN_EVERY: Duration = Duration::from_millis(200);

/// The writer of one store.
#[derive(Debug)]
pub(super) struct Writer {
    node: Node,
    engine: Engine,
    view: Arc<View>,
    leases: Arc<Leases>,
    /// Why the last commit failed, until one has worked again.
    trouble: Option<Trouble>,
}

#[derive(Debug)]
struct Trouble {
    detail: String,
    /// Not before then.
    retry_at: Instant,
}

/// A batch that is not durable.
struct Failed {
    fault: Fault,
    effect: Effect,
}

impl Failed {
    fn before(fault: impl Into<Fault>) -> Self {
        Self { fault: fault.into(), effect: Effect::None }
    }

    fn within(fault: impl Into<Fault>) -> Self {
        Self { fault: fault.into(), effect: Effect::Unknown }
    }
}

impl Writer {
    pub(super) fn new(node: Node, engine: Engine, view: Arc<View>, leases: Arc<Leases>) -> Self {
        Self { node, engine, view, leases, trouble: None }
    }

    /// Writes until the store is closed or nobody holds it any more.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH_MAX);
        while queue.recv_many(&mut messages, BATCH_MAX).await > 0 {
            let (mut jobs, mut checks, mut closes) =
                (Vec::with_capacity(messages.len()), Vec::new(), Vec::new());
            for message in messages.drain(..) {
                match message {
                    Message::Job(job) => jobs.push(job),
                    Message::Check(reply) => checks.push(reply),
                    Message::Close(reply) => closes.push(reply),
                }
            }
            if !jobs.is_empty() {
                self.serve(jobs).await;
            }
            if !checks.is_empty() {
                self.answer(checks).await;
            }
            if !closes.is_empty() {
                queue.close();
                self.engine.close(&self.view, "it was closed");
                closes.into_iter().for_each(told);
                return;
            }
        }
        self.engine.close(&self.view, "it was closed");
    }

    async fn serve(&mut self, mut jobs: Vec<Box<dyn Job>>) {
        let outcome = match self.recovered().await {
            Ok(()) => self.write(&mut jobs).await,
            Err(error) => Err(error),
        };
        for job in jobs {
            job.answer(outcome.as_ref().copied());
        }
    }

    async fn answer(&mut self, checks: Vec<oneshot::Sender<Result<(), StoreError>>>) {
        let works = self.recovered().await;
        for check in checks {
            // Whoever does not wait any more need not know.
            let _gone = check.send(works.clone());
        }
    }

    /// After a failure: opens the file again, and finds out whether it can be written to.
    async fn recovered(&mut self) -> Result<(), StoreError> {
        let Some(trouble) = &self.trouble else { return Ok(()) };
        if self.node.now() < trouble.retry_at {
            return Err(self.unavailable(trouble.detail.clone()));
        }
        let probed = match self.engine.reopen(&self.view) {
            Ok(()) => self.probe().await.map_err(|fault| fault.to_string()),
            Err(error) => Err(error_chain(&error)),
        };
        match probed {
            Ok(()) => {
                tracing::info!(place = self.view.place, "the store works again");
                self.trouble = None;
                Ok(())
            }
            Err(detail) => {
                self.fail(detail.clone());
                Err(self.unavailable(detail))
            }
        }
    }

    /// Writes something that nobody reads.
    async fn probe(&self) -> Result<(), Fault> {
        let database = self.engine.database().expect("it was opened just now");
        let transaction = database.begin_write()?;
        let now = u64::try_from(self.node.elapsed().as_micros()).unwrap_or(u64::MAX);
        transaction.open_table(META)?.insert(PROBE_KEY, now)?;
        transaction.commit()?;
        self.engine.synced().wait().await;
        Ok(())
    }

    async fn write(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let written = match self.commit(jobs) {
            Ok(None) => return Ok(()),
            Ok(Some(changes)) => {
                self.engine.synced().wait().await;
                self.publish(changes)
            }
            Err(failed) => Err(failed),
        };
        written.map_err(|Failed { fault, effect }| {
            self.fail(fault.to_string());
            fault.told(&self.view.place, effect)
        })
    }

    /// One transaction. `None` when nothing had to be written.
    fn commit(&self, jobs: &mut [Box<dyn Job>]) -> Result<Option<Changes>, Failed> {
        let database = self.engine.database().expect("without trouble the file is open");
        let transaction = database.begin_write().map_err(Failed::before)?;
        let mut batch = Batch::new(&transaction, &self.view, &self.leases);
        for job in jobs {
            job.run(&mut batch).map_err(Failed::before)?;
        }
        let changes = batch.finish().map_err(Failed::before)?;
        if !changes.wrote {
            transaction.abort().map_err(Failed::before)?;
            return Ok(None);
        }
        transaction.commit().map_err(Failed::within)?;
        Ok(Some(changes))
    }

    fn publish(&self, mut changes: Changes) -> Result<(), Failed> {
        let completed = std::mem::take(&mut changes.completed);
        let database = self.engine.database().expect("without trouble the file is open");
        // It is durable already; only nobody can read it here.
        let snapshot = database.begin_read().map_err(Failed::within)?;
        self.view.publish(changes, snapshot);
        for (key, claim) in &completed {
            self.leases.completed(key, *claim);
        }
        Ok(())
    }

    fn fail(&mut self, detail: String) {
        tracing::error!(place = self.view.place, %detail, "the store failed");
        self.engine.close(&self.view, &detail);
        self.trouble = Some(Trouble { detail, retry_at: self.node.now() + REOPEN_EVERY });
    }

    fn unavailable(&self, detail: String) -> StoreError {
        StoreError::Unavailable { detail: format!("{}: {detail}", self.view.place), effect: Effect::None }
    }
}

fn told(reply: oneshot::Sender<()>) {
    // Whoever does not wait any more need not know.
    let _gone = reply.send(());
}

/// An error with what is behind it, on one line.
fn error_chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(behind) = source {
        text.push_str(": ");
        text.push_str(&behind.to_string());
        source = behind.source();
    }
    text
}
