//! The store as its service holds it: a view to read from and a queue to the writer.

use std::sync::Arc;
use std::time::Duration;

use domain::{Effect, StoreError};
use node::Node;
use node::redb::OpenError;
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::checkpoint::Sweep;
use super::engine::Engine;
use super::fault::Fault;
use super::job::{Ahead, Ask, Asked, Message};
use super::queue::{Closed, Queue};
use super::records::Leases;
use super::view::View;
use super::writer::{Bounds, Writer};

/// How long a change may take. A disk that takes longer is as good as gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// How long the writer may take to say that it works.
const CHECK_WITHIN: Duration = Duration::from_secs(1);

/// Everything that one service keeps, in one file. Clones share it.
#[derive(Clone, Debug)]
pub struct RedbStore {
    queue: Queue,
    view: Arc<View>,
    leases: Arc<Leases>,
    has_both: bool,
}

impl RedbStore {
    /// Opens a file on the node's disk and the log beside it, and makes them when there are none. Verifies everything
    /// in them, so that it takes longer the more there is.
    ///
    /// # Errors
    /// When the file cannot be opened, is in use, damaged, not ours, or newer than this program.
    pub async fn open(node: &Node, file: &str) -> Result<Self, OpenError> {
        Self::open_within(node, file, Bounds::default()).await
    }

    /// The same, with bounds of one's own.
    pub(super) async fn open_within(node: &Node, file: &str, bounds: Bounds) -> Result<Self, OpenError> {
        let (engine, view) = Engine::open(node.clone(), file).await?;
        let leases = Arc::new(Leases::default());
        let (queue, received) = Queue::new(node.clone());
        let writer = Writer::new(node.clone(), engine, Arc::clone(&view), Arc::clone(&leases), bounds);
        // Detached: it ends when the store is closed, or when nobody holds it any more.
        node.spawn(writer.run(received));
        Ok(Self { queue, view, leases, has_both: false })
    }

    /// The same store for a process that keeps its orders and its charges in it, both in one log: a new order and a
    /// charge are written ahead of what follows from them, and neither speaks of the other when it is not there.
    #[must_use]
    pub fn with_both(self) -> Self {
        Self { has_both: true, ..self }
    }

    /// Writes what has queued, and closes the file. Whoever comes later is refused.
    pub async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.queue.tell(Message::Close(reply)).await.is_ok() {
            // An error says that it is closed already.
            let _closed = closed.await;
        }
    }

    pub(super) fn view(&self) -> &View {
        &self.view
    }

    /// See [`RedbStore::with_both`].
    pub(super) const fn has_both(&self) -> bool {
        self.has_both
    }

    pub(super) fn leases(&self) -> &Leases {
        &self.leases
    }

    /// What was read, unless it could not be.
    pub(super) fn readable<T>(&self, read: Result<T, Fault>) -> Result<T, StoreError> {
        read.map_err(|fault| fault.told(&self.view.place, Effect::None))
    }

    /// Has the writer make a change, and returns when it is durable.
    pub(super) async fn ask<A: Ask>(&self, ask: A) -> Result<A::Answer, StoreError> {
        let (job, answer) = Asked::new(ask);
        let asked = async {
            self.queue.send(Box::new(job)).await.map_err(|closed| self.closed(closed))?;
            // Without an answer the writer has ended in the middle of it.
            answer.await.map_err(|_ended| self.gone("it was closed", Effect::Unknown))?
        };
        let slow = |_elapsed| self.gone("the disk does not answer", Effect::Unknown);
        timeout(ANSWER_WITHIN, asked).await.map_err(slow)?
    }

    /// Has the writer make a change, and does not wait for it: what is asked for later is durable only when this is.
    pub(super) async fn ask_ahead<A: Ask<Answer = ()>>(&self, ask: A) -> Result<(), StoreError> {
        self.view.check_reachable()?;
        let sent = self.queue.send_ahead(Box::new(Ahead::new(ask)));
        let slow = |_elapsed| self.gone("the disk does not answer", Effect::None);
        timeout(ANSWER_WITHIN, sent).await.map_err(slow)?.map_err(|closed| self.closed(closed))
    }

    /// Whether changes can be made right now.
    pub(super) async fn check_writing(&self) -> Result<(), StoreError> {
        self.tell(Message::Check, CHECK_WITHIN).await
    }

    /// Has answers swept whose time is over; says how many there were.
    pub(super) async fn sweep(&self, sweep: Sweep) -> Result<usize, StoreError> {
        self.tell(|reply| Message::Sweep(sweep, reply), ANSWER_WITHIN).await
    }

    /// Something that changes nothing that anybody could read.
    async fn tell<T>(
        &self,
        message: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> Message,
        within: Duration,
    ) -> Result<T, StoreError> {
        let (reply, answer) = oneshot::channel();
        let told = async {
            self.queue.tell(message(reply)).await.map_err(|closed| self.closed(closed))?;
            answer.await.map_err(|_ended| self.gone("it was closed", Effect::None))?
        };
        let slow = |_elapsed| self.gone("the disk does not answer", Effect::None);
        timeout(within, told).await.map_err(slow)?
    }

    fn closed(&self, _: Closed) -> StoreError {
        self.gone("it was closed", Effect::None)
    }

    fn gone(&self, why: &str, effect: Effect) -> StoreError {
        StoreError::Unavailable { detail: format!("{}: {why}", self.view.place), effect }
    }
}
