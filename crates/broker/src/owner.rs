//! The one who owns the engine and the file: everything that is asked goes through its queue.
//!
//! It works in turns. A turn takes whatever has queued, lets all of it happen to the engine, makes one transaction of
//! what has to last, and answers when that is durable; then it gives messages to whoever waits for some. Nothing waits
//! for company: while one transaction is under way the next turn gathers. So nobody ever sees, and no consumer is ever
//! given, what is not durable; and there is nothing to lock.
//!
//! On a real host the owner has a thread of its own, because committing blocks; on a simulated one it is a task, and
//! syncing takes virtual time.
//!
//! A commit that fails leaves it unknown whether it took place. Engine and file are not trusted any more then: the file
//! is opened again, at most every [`REOPEN_EVERY`], and the engine made anew of what is durable. Until that works
//! everything is refused without effect, and `check` says why.

mod facts;
mod job;
mod turn;

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use domain::Effect;
use domain::broker::BrokerError;
use node::Node;
use node::redb::{OpenError, at_place};
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, sleep_until, timeout};

pub(crate) use self::facts::Shown;
pub use self::facts::{Facts, GroupFacts, TopicFacts};
pub(crate) use self::job::{Job, Reply, Waiting};
use crate::engine::{Engine, Limits};
use crate::mischief::{Hand, MischiefControl};
use crate::store::Store;
use crate::wire::micros;

/// How many things can wait for a turn. Whoever comes then waits for room.
const QUEUE_MAX: usize = 4_096;
/// How many things one turn does at most.
const TURN_MAX: usize = 1_024;
/// How many fetches can wait for messages at once.
pub(crate) const FETCHES_MAX: usize = 4_096;
/// How often a file that failed is opened again, at most.
pub const REOPEN_EVERY: Duration = Duration::from_millis(200);
/// How long an answer may take. A disk that takes longer is as good as gone.
const ANSWER_WITHIN: Duration = Duration::from_secs(30);

/// Whoever asks the owner. Clones ask the same one.
#[derive(Clone, Debug)]
pub(crate) struct Desk {
    queue: mpsc::Sender<Job>,
    pub(crate) facts: Shown,
    pub(crate) node: Node,
}

impl Desk {
    /// Opens the file, and sets its owner to work.
    pub(crate) async fn open(
        node: &Node,
        file: &str,
        limits: Limits,
        mischief: MischiefControl,
    ) -> Result<Self, OpenError> {
        let mut store = Store::new(node.disk(), file);
        let engine = store.open(limits, micros(node.elapsed())).await?;
        let (queue, received) = mpsc::channel(QUEUE_MAX);
        let facts = Shown::default();
        facts.show(Facts::of(&engine));
        let place = store.place.clone();
        let owner = Owner {
            node: node.clone(),
            limits,
            store,
            engine,
            waiting: BTreeMap::new(),
            fetches: 0,
            is_hushed: false,
            trouble: None,
            failures: 0,
            facts: facts.clone(),
            hand: Hand::new(node, mischief),
        };
        node.spawn_dedicated(file, owner.run(received)).map_err(|source| OpenError::Io { place, source })?;
        Ok(Self { queue, facts, node: node.clone() })
    }

    /// Asks for something, and waits for the answer.
    pub(crate) async fn ask<T>(&self, job: impl FnOnce(Reply<T>) -> Job) -> Result<T, BrokerError> {
        self.ask_within(ANSWER_WITHIN, job).await
    }

    pub(crate) async fn ask_within<T>(
        &self,
        within: Duration,
        job: impl FnOnce(Reply<T>) -> Job,
    ) -> Result<T, BrokerError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            let sent = self.queue.send(job(reply)).await;
            sent.map_err(|_closed| BrokerError::untouched("it was closed"))?;
            // Without an answer the owner has ended in the middle of it.
            answer.await.map_err(|_ended| BrokerError::unknown("it was closed"))?
        };
        let slow = |_elapsed| BrokerError::unknown("the disk does not answer");
        timeout(within, asked).await.map_err(slow)?
    }

    /// From now on nobody waits for messages.
    pub(crate) async fn hush(&self) {
        // An error says that it is closed already.
        let _closed = self.queue.send(Job::Hush).await;
    }

    /// Writes what has queued, and closes the file. Whoever comes later is refused.
    pub(crate) async fn close(&self) {
        let (reply, closed) = oneshot::channel();
        if self.queue.send(Job::Close(reply)).await.is_ok() {
            let _closed = closed.await;
        }
    }
}

/// Why nothing can be written.
#[derive(Debug)]
struct Trouble {
    detail: String,
    /// Not before then.
    retry_at: Instant,
}

#[derive(Debug)]
struct Owner {
    node: Node,
    limits: Limits,
    store: Store,
    engine: Engine,
    /// Fetches that wait, of each group in the order in which they came.
    waiting: BTreeMap<u32, VecDeque<Waiting>>,
    fetches: usize,
    is_hushed: bool,
    trouble: Option<Trouble>,
    failures: u64,
    facts: Shown,
    hand: Hand,
}

impl Owner {
    async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        let mut jobs = Vec::with_capacity(TURN_MAX);
        loop {
            let wake = self.next_wake();
            tokio::select! {
                biased;
                count = queue.recv_many(&mut jobs, TURN_MAX) => if count == 0 { break },
                () = sleep_until(wake) => {}
            }
            if let Some(closed) = self.turn(&mut jobs).await {
                queue.close();
                self.store.close();
                // Whoever does not wait any more need not know.
                let _gone = closed.send(());
                break;
            }
        }
    }

    fn now_us(&self) -> u64 {
        micros(self.node.elapsed())
    }

    /// When something happens by itself.
    fn next_wake(&self) -> Instant {
        let now = self.node.now();
        let due = |due_us: u64| now + Duration::from_micros(due_us.saturating_sub(self.now_us()));
        let retry = self.trouble.as_ref().map(|trouble| trouble.retry_at);
        let lease = if retry.is_none() { self.engine.next_due_us().map(due) } else { None };
        let fetch = self.waiting.values().flatten().map(|waiting| waiting.until).min();
        let far = now + Duration::from_hours(1);
        [retry, lease, fetch].into_iter().flatten().fold(far, Instant::min)
    }

    /// After a failure: opens the file again, when it is time.
    async fn recovered(&mut self) -> Result<(), BrokerError> {
        let Some(trouble) = &self.trouble else { return Ok(()) };
        if self.node.now() < trouble.retry_at {
            return Err(self.unavailable(&trouble.detail, Effect::None));
        }
        match self.store.open(self.limits, self.now_us()).await {
            Ok(engine) => {
                tracing::info!(place = self.store.place, "the broker works again");
                self.engine = engine;
                self.trouble = None;
                Ok(())
            }
            Err(error) => {
                let detail = error.in_full();
                let unavailable = self.unavailable(&detail, Effect::None);
                self.fail(detail);
                Err(unavailable)
            }
        }
    }

    fn fail(&mut self, detail: String) {
        // It is tried again far more often than anybody wants to read of it.
        if self.trouble.as_ref().is_none_or(|known| known.detail != detail) {
            tracing::error!(place = self.store.place, %detail, "the broker cannot write; it tries again until it can");
        }
        self.store.close();
        self.failures += 1;
        self.trouble = Some(Trouble { detail, retry_at: self.node.now() + REOPEN_EVERY });
    }

    fn unavailable(&self, detail: &str, effect: Effect) -> BrokerError {
        BrokerError::Unavailable { detail: at_place(&self.store.place, detail), effect }
    }
}
