//! Group commit: whatever has queued becomes one statement, which is one transaction.
//!
//! No timer holds a call back to make a batch of it. While one batch is being committed the next one gathers, so
//! batches grow with the load by themselves: at light load each is a single call. Two writers, so that one prepares
//! while the other waits for the disk.
//!
//! Two calls about the same thing are never in one statement, which would show only one of them what it did: the
//! later one waits for the writer's next batch.

use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use sqlx::Connection as _;
use sqlx::postgres::PgConnection;
use tokio::sync::{Mutex, mpsc, oneshot};
use tokio::time::{Instant, timeout};

use super::database::{Postgres, TRIED_AFTER};
use super::error::{Failure, breaks_connection, is_worth_repeating};

/// The most calls that wait in a lane.
const QUEUE_MAX: usize = 8192;

/// The most calls in one statement.
const BATCH_MAX: usize = 512;

/// Connections that write one kind of call.
const WRITERS: usize = 2;

/// How often a batch is tried whose transaction stood in another one's way.
const ATTEMPTS_MAX: u32 = 5;

/// A kind of write.
pub(super) trait Write: Send + Sync + Sized + 'static {
    /// What the caller hears: also why it was not done, where that is a matter of what is stored.
    type Reply: Send + 'static;

    /// What it is about.
    fn subject(&self) -> &[u8];

    /// Does all of them, and says what became of each, in their order. What changes something is one statement.
    fn write(
        connection: &mut PgConnection,
        batch: &[Self],
    ) -> impl Future<Output = Result<Vec<Self::Reply>, sqlx::Error>> + Send;
}

/// Where calls of one kind queue. Cheap to clone.
pub(super) struct Lane<W: Write> {
    database: Postgres,
    queue: mpsc::Sender<Waiting<W>>,
}

/// A call in the queue.
struct Waiting<W: Write> {
    call: W,
    reply: oneshot::Sender<Result<W::Reply, Failure>>,
}

impl<W: Write> Lane<W> {
    /// A lane with its writers, which live on the database's node as long as the lane.
    pub(super) fn new(database: &Postgres) -> Self {
        let (queue, waiting) = mpsc::channel(QUEUE_MAX);
        let waiting = Arc::new(Mutex::new(waiting));
        for _ in 0..WRITERS {
            let writer = Writer { database: database.clone(), connection: None, held_back: VecDeque::new() };
            database.node().spawn(writer.run(Arc::clone(&waiting)));
        }
        Self { database: database.clone(), queue }
    }

    /// Has a call done. When the future is dropped it is done all the same, if it was queued already.
    pub(super) async fn submit(&self, call: W) -> Result<W::Reply, Failure> {
        self.database.wait_until_known().await?;
        let (reply, said) = oneshot::channel();
        self.queue.try_send(Waiting { call, reply }).map_err(|_full| {
            Failure::without_effect(format!("{QUEUE_MAX} writes are waiting for the database already"))
        })?;
        said.await.unwrap_or_else(|_stopped| Err(Failure::unknown("the writer was stopped")))
    }

    pub(super) const fn database(&self) -> &Postgres {
        &self.database
    }
}

impl<W: Write> fmt::Debug for Lane<W> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Lane").field("queued", &(QUEUE_MAX - self.queue.capacity())).finish_non_exhaustive()
    }
}

struct Writer<W: Write> {
    database: Postgres,
    /// With when it was last used.
    connection: Option<(PgConnection, Instant)>,
    /// What was about the same as something in the last batch.
    held_back: VecDeque<Waiting<W>>,
}

impl<W: Write> Writer<W> {
    async fn run(mut self, queue: Arc<Mutex<mpsc::Receiver<Waiting<W>>>>) {
        while let Some(batch) = self.next_batch(&queue).await {
            let (calls, replies): (Vec<_>, Vec<_>) =
                batch.into_iter().map(|waiting| (waiting.call, waiting.reply)).unzip();
            // Whoever does not listen any more has left.
            match self.write(&calls).await {
                Ok(said) => {
                    assert_eq!(said.len(), replies.len(), "a batch answers each of its calls");
                    replies.into_iter().zip(said).for_each(|(reply, said)| drop(reply.send(Ok(said))));
                }
                Err(failure) => {
                    replies.into_iter().for_each(|reply| drop(reply.send(Err(failure.clone()))));
                }
            }
        }
    }

    /// What was held back and whatever has queued; waits for the first only. `None` when nobody will queue any more.
    async fn next_batch(&mut self, queue: &Mutex<mpsc::Receiver<Waiting<W>>>) -> Option<Vec<Waiting<W>>> {
        let mut found = std::mem::take(&mut self.held_back);
        // The other writer may hold the queue until something comes: what is at hand does not wait for that.
        let queue = if found.is_empty() { Some(queue.lock().await) } else { queue.try_lock().ok() };
        if let Some(mut queue) = queue {
            if found.is_empty() {
                found.push_back(queue.recv().await?);
            }
            while found.len() < BATCH_MAX {
                match queue.try_recv() {
                    Ok(waiting) => found.push_back(waiting),
                    Err(_empty) => break,
                }
            }
        }
        let mut subjects = BTreeSet::new();
        let mut is_first = Vec::with_capacity(found.len());
        for waiting in &found {
            is_first.push(subjects.insert(waiting.call.subject()));
        }
        let mut batch = Vec::with_capacity(found.len());
        for (waiting, is_first) in found.into_iter().zip(is_first) {
            if is_first { batch.push(waiting) } else { self.held_back.push_back(waiting) }
        }
        Some(batch)
    }

    async fn write(&mut self, calls: &[W]) -> Result<Vec<W::Reply>, Failure> {
        let mut attempts = 0;
        loop {
            attempts += 1;
            let answer_timeout = self.database.answer_timeout();
            let connection = self.connection().await?;
            let error = match timeout(answer_timeout, W::write(connection, calls)).await {
                Ok(Ok(said)) => {
                    if let Some((_, used)) = &mut self.connection {
                        *used = Instant::now();
                    }
                    return Ok(said);
                }
                Ok(Err(error)) if is_worth_repeating(&error) && attempts < ATTEMPTS_MAX => continue,
                Ok(Err(error)) => error,
                Err(_silence) => {
                    self.give_up();
                    return Err(Failure::unknown(self.database.silent()));
                }
            };
            if breaks_connection(&error) {
                self.give_up();
            }
            return Err(Failure::of_write(&error));
        }
    }

    /// A connection that works, as far as one can tell before.
    async fn connection(&mut self) -> Result<&mut PgConnection, Failure> {
        if let Some((connection, used)) = &mut self.connection
            && used.elapsed() >= TRIED_AFTER
            && !matches!(timeout(self.database.answer_timeout(), connection.ping()).await, Ok(Ok(())))
        {
            self.give_up();
        }
        let connection = match self.connection.take() {
            Some(connection) => connection,
            None => (self.database.connect().await?, Instant::now()),
        };
        Ok(&mut self.connection.insert(connection).0)
    }

    fn give_up(&mut self) {
        self.connection = None;
        self.database.lost();
    }
}
