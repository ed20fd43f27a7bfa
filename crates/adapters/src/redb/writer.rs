//! The one who writes: takes what has queued, makes it one record of the log, and answers when that is durable.
//!
//! Once in a while it has what is in the log brought into the tables, by somebody else: a thread of its own on a real
//! host. Meanwhile it goes on, in the log's other file, and waits only when that has become too long as well.

use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::{Effect, StoreError};
use node::Node;
use node::redb::at_place;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tokio::time::{Instant, Sleep};

use super::batch::{Batch, Changes};
use super::engine::{Engine, Open};
use super::fault::Fault;
use super::job::{Job, Message};
use super::log::HEADER_BYTES;
use super::records::Leases;
use super::view::{Numbers, View};

mod upkeep;

pub(super) use upkeep::Bounds;
use upkeep::{Checkpointed, made};

/// How many messages one batch takes at most: enough that more would not make it cheaper per change. Each brings a change
/// that somebody waits for, and those that were written ahead of it.
const BATCH_MAX: usize = 1_024;

/// How often a file that failed is opened again, at most.
pub const REOPEN_EVERY: Duration = Duration::from_millis(200);

/// How much memory for making records is kept for the next one.
const RECORD_KEPT_BYTES_MAX: usize = 1 << 20;

/// The writer of one store.
#[derive(Debug)]
pub(super) struct Writer {
    node: Node,
    engine: Engine,
    view: Arc<View>,
    leases: Arc<Leases>,
    bounds: Bounds,
    /// Why the store failed, until it has worked again.
    trouble: Option<Trouble>,
    /// The checkpoint that is being made.
    checkpoint: Option<oneshot::Receiver<Result<Checkpointed, Fault>>>,
    /// When the next one is to begin at the latest.
    due: Option<Pin<Box<Sleep>>>,
    /// Where records are made.
    record: Vec<u8>,
}

#[derive(Debug)]
struct Trouble {
    detail: String,
    /// Not before then.
    retry_at: Instant,
}

/// What the writer is to do next.
enum Next {
    /// So many messages have come. None: nobody can send any more.
    Messages(usize),
    /// The checkpoint is made.
    Made(Result<Checkpointed, Fault>),
    /// It is time for one.
    Due,
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
    pub(super) fn new(
        node: Node,
        engine: Engine,
        view: Arc<View>,
        leases: Arc<Leases>,
        bounds: Bounds,
    ) -> Self {
        let record = Vec::new();
        Self { node, engine, view, leases, bounds, trouble: None, checkpoint: None, due: None, record }
    }

    /// Writes until the store is closed or nobody holds it any more.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Message>) {
        let mut messages = Vec::with_capacity(BATCH_MAX);
        let mut closes = Vec::new();
        while closes.is_empty() {
            match self.next(&mut queue, &mut messages).await {
                Next::Messages(0) => break,
                Next::Messages(_) => {
                    // Whoever is about to ask for something does so now, and goes with the others. No timer: where
                    // nobody is, nothing is waited for.
                    yield_now().await;
                    while messages.len() < BATCH_MAX
                        && let Ok(message) = queue.try_recv()
                    {
                        messages.push(message);
                    }
                    closes = self.take(&mut messages).await;
                }
                Next::Made(made) => {
                    // A failure has left its mark.
                    let _failed = self.made(made);
                }
                Next::Due => self.begin_checkpoint(self.usual_sweep()),
            }
        }
        queue.close();
        self.close().await;
        closes.into_iter().for_each(told);
    }

    async fn next(&mut self, queue: &mut mpsc::Receiver<Message>, messages: &mut Vec<Message>) -> Next {
        tokio::select! {
            biased;
            made = made(&mut self.checkpoint), if self.checkpoint.is_some() => Next::Made(made),
            messages = queue.recv_many(messages, BATCH_MAX) => Next::Messages(messages),
            () = due(&mut self.due), if self.due.is_some() => Next::Due,
        }
    }

    /// Does what was asked; says who wants it to end.
    async fn take(&mut self, messages: &mut Vec<Message>) -> Vec<oneshot::Sender<()>> {
        let (mut jobs, mut checks) = (Vec::with_capacity(messages.len()), Vec::new());
        let (mut sweeps, mut closes) = (Vec::new(), Vec::new());
        for message in messages.drain(..) {
            match message {
                Message::Jobs(changes) => jobs.extend(changes),
                Message::Check(reply) => checks.push(reply),
                Message::Sweep(sweep, reply) => sweeps.push((sweep, reply)),
                Message::Close(reply) => closes.push(reply),
            }
        }
        if !jobs.is_empty() {
            self.serve(jobs).await;
        }
        for (sweep, reply) in sweeps {
            // Whoever does not wait any more need not know.
            let _gone = reply.send(self.sweep(sweep).await);
        }
        if !checks.is_empty() {
            self.answer(checks).await;
        }
        closes
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

    /// After a failure: opens the files again, and finds out whether they can be written to.
    async fn recovered(&mut self) -> Result<(), StoreError> {
        let Some(trouble) = &self.trouble else { return Ok(()) };
        if self.node.now() < trouble.retry_at {
            return Err(self.unavailable(&trouble.detail));
        }
        if self.checkpoint.is_some() {
            // It has the file open still. What becomes of it shows when it is opened again.
            let _made = made(&mut self.checkpoint).await;
        }
        let probed = match self.engine.reopen(&self.view).await {
            Ok(()) => self.probe().await.map_err(|fault| fault.to_string()),
            Err(error) => Err(error.in_full()),
        };
        match probed {
            Ok(()) => {
                tracing::info!(place = self.view.place, "the store works again");
                self.trouble = None;
                Ok(())
            }
            Err(detail) => {
                let unavailable = self.unavailable(&detail);
                self.fail(detail);
                Err(unavailable)
            }
        }
    }

    /// Writes something that changes nothing. The tables were written to when the file was opened.
    async fn probe(&mut self) -> Result<(), Fault> {
        let mut record = vec![0; HEADER_BYTES + Numbers::BYTES];
        self.view.counts().numbers.encode(&mut record[HEADER_BYTES..]);
        let Open { log, .. } = self.engine.files().expect("it was opened just now");
        log.append(&mut record).await?;
        Ok(())
    }

    async fn write(&mut self, jobs: &mut [Box<dyn Job>]) -> Result<(), StoreError> {
        let mut record = std::mem::take(&mut self.record);
        let written = match self.carry_out(jobs, &mut record) {
            Ok(None) => Ok(()),
            Ok(Some(changes)) => self.commit(&mut record, changes).await,
            Err(failed) => Err(failed),
        };
        if record.capacity() <= RECORD_KEPT_BYTES_MAX {
            self.record = record;
        }
        written.map_err(|Failed { fault, effect }| {
            self.fail(fault.to_string());
            fault.told(&self.view.place, effect)
        })?;
        self.keep_bounds().await;
        Ok(())
    }

    /// What the jobs change, `None` when that is nothing.
    fn carry_out(&self, jobs: &mut [Box<dyn Job>], record: &mut Vec<u8>) -> Result<Option<Changes>, Failed> {
        let below = self.view.below().expect("without trouble the file is open");
        let mut batch = Batch::new(&self.view, &self.leases, &below, record);
        for job in jobs {
            job.run(&mut batch).map_err(Failed::before)?;
        }
        Ok(batch.finish())
    }

    /// Makes a record durable, and then has everybody see what it is of.
    async fn commit(&mut self, record: &mut Vec<u8>, mut changes: Changes) -> Result<(), Failed> {
        let Open { log, .. } = self.engine.files().expect("without trouble the file is open");
        log.append(record).await.map_err(Failed::within)?;
        let completed = std::mem::take(&mut changes.completed);
        self.view.publish(changes);
        for (key, claim) in &completed {
            self.leases.completed(key, *claim);
        }
        Ok(())
    }

    /// Brings everything into the tables, and closes the files. What fails is in the log all the same.
    async fn close(&mut self) {
        if self.checkpoint.is_some() {
            let _failed = self.await_checkpoint().await;
        }
        if self.trouble.is_none() && self.view.active_len() > 0 {
            self.begin_checkpoint(self.usual_sweep());
            let _failed = self.await_checkpoint().await;
        }
        self.engine.close(&self.view, "it was closed");
        self.engine.closed().await;
    }

    fn fail(&mut self, detail: String) {
        // It is tried again far more often than anybody wants to read of it.
        if self.trouble.as_ref().is_none_or(|known| known.detail != detail) {
            tracing::error!(place = self.view.place, %detail, "the store failed; it is opened again until it works");
        }
        self.engine.close(&self.view, &detail);
        self.trouble = Some(Trouble { detail, retry_at: self.node.now() + REOPEN_EVERY });
    }

    fn unavailable(&self, detail: &str) -> StoreError {
        StoreError::Unavailable { detail: at_place(&self.view.place, detail), effect: Effect::None }
    }
}

async fn due(due: &mut Option<Pin<Box<Sleep>>>) {
    if let Some(due) = due {
        due.await;
    }
}

fn told(reply: oneshot::Sender<()>) {
    // Whoever does not wait any more need not know.
    let _gone = reply.send(());
}
