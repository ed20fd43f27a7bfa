//! What is asked of the writer.

use domain::StoreError;
use tokio::sync::oneshot;

use super::batch::Batch;
use super::checkpoint::Sweep;
use super::fault::Fault;

/// A change that a port asks for: it reads and writes within a batch, and its answer counts when the batch is durable.
pub(super) trait Ask: Send + 'static {
    /// What its caller hears.
    type Answer: Send + 'static;

    /// Carries it out. A refusal that the port's contract knows has changed nothing.
    fn run(self, batch: &mut Batch<'_>) -> Result<Result<Self::Answer, StoreError>, Fault>;
}

/// An [`Ask`] with whoever waits for it.
pub(super) trait Job: Send {
    /// Carries it out.
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Fault>;

    /// Says how it went: as it was carried out, or instead that the batch failed.
    fn answer(self: Box<Self>, batch: Result<(), &StoreError>);
}

/// An [`Ask`] that nobody waits for.
pub(super) struct Ahead<A> {
    ask: Option<A>,
    refused: Option<StoreError>,
}

impl<A: Ask> Ahead<A> {
    pub(super) const fn new(ask: A) -> Self {
        Self { ask: Some(ask), refused: None }
    }
}

impl<A: Ask> Job for Ahead<A> {
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Fault> {
        let ask = self.ask.take().expect("a job is run once");
        self.refused = ask.run(batch)?.err();
        Ok(())
    }

    /// What a batch as a whole failed with has been told already.
    fn answer(self: Box<Self>, _batch: Result<(), &StoreError>) {
        if let Some(error) = self.refused {
            tracing::error!(%error, "a change that nobody waits for was refused");
        }
    }
}

/// What goes through the queue.
pub(super) enum Message {
    /// Changes, the oldest first.
    Jobs(Vec<Box<dyn Job>>),
    /// Whether writing works.
    Check(oneshot::Sender<Result<(), StoreError>>),
    /// Answers whose time is over are to go.
    Sweep(Sweep, oneshot::Sender<Result<usize, StoreError>>),
    /// Everything before this is written; then the file is closed.
    Close(oneshot::Sender<()>),
}

/// A [`Job`] made of an [`Ask`].
pub(super) struct Asked<A: Ask> {
    ask: Option<A>,
    result: Option<Result<A::Answer, StoreError>>,
    reply: oneshot::Sender<Result<A::Answer, StoreError>>,
}

impl<A: Ask> Asked<A> {
    pub(super) fn new(ask: A) -> (Self, oneshot::Receiver<Result<A::Answer, StoreError>>) {
        let (reply, answer) = oneshot::channel();
        (Self { ask: Some(ask), result: None, reply }, answer)
    }
}

impl<A: Ask> Job for Asked<A> {
    fn run(&mut self, batch: &mut Batch<'_>) -> Result<(), Fault> {
        let ask = self.ask.take().expect("a job is run once");
        self.result = Some(ask.run(batch)?);
        Ok(())
    }

    fn answer(self: Box<Self>, batch: Result<(), &StoreError>) {
        let result = match (batch, self.result) {
            (Ok(()), Some(result)) => result,
            (Err(failed), _) => Err(failed.clone()),
            (Ok(()), None) => unreachable!("a batch that succeeded has run all of its jobs"),
        };
        // Whoever does not wait any more need not know.
        let _gone = self.reply.send(result);
    }
}
