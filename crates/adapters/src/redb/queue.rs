//! The way to the writer: bounded, and in order.
//!
//! A change that nobody waits for goes with the next one that somebody waits for. So it wakes nobody, and no disk is
//! synced for it alone; on its own it goes [`FLUSH_AFTER`].

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use node::Node;
use tokio::sync::mpsc;
use tokio::time::sleep;

use super::job::{Job, Message};

/// How many messages can wait for the writer. Whoever comes then waits for room.
const QUEUE_MAX: usize = 4_096;

/// How many changes that nobody waits for can wait for one that somebody waits for. The next one takes them along.
const AHEAD_MAX: usize = 256;

/// How long a change that nobody waits for waits for another one.
const FLUSH_AFTER: Duration = Duration::from_millis(5);

/// The writer has ended.
#[derive(Clone, Copy, Debug)]
pub(super) struct Closed;

/// See the module. Clones are the same way.
#[derive(Clone)]
pub(super) struct Queue {
    node: Node,
    messages: mpsc::Sender<Message>,
    ahead: Arc<Mutex<Waiting>>,
}

/// Changes that nobody waits for.
#[derive(Default)]
struct Waiting {
    jobs: Vec<Box<dyn Job>>,
    /// Whether somebody will see to it that they go.
    is_seen_to: bool,
}

impl fmt::Debug for Queue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Queue").field("room", &self.messages.capacity()).finish_non_exhaustive()
    }
}

impl Queue {
    /// A queue, and the writer's end of it.
    pub(super) fn new(node: Node) -> (Self, mpsc::Receiver<Message>) {
        let (messages, received) = mpsc::channel(QUEUE_MAX);
        (Self { node, messages, ahead: Arc::default() }, received)
    }

    /// Sends a change that somebody waits for, behind all those before it.
    pub(super) async fn send(&self, job: Box<dyn Job>) -> Result<(), Closed> {
        self.send_all(Some(job)).await
    }

    /// Has a change sent before the next one.
    pub(super) async fn send_ahead(&self, job: Box<dyn Job>) -> Result<(), Closed> {
        if self.messages.is_closed() {
            return Err(Closed);
        }
        match self.put_aside(job) {
            Ok(()) => Ok(()),
            Err(one_too_many) => self.send(one_too_many).await,
        }
    }

    /// Keeps a change for the next one that is sent; gives it back when there are too many.
    fn put_aside(&self, job: Box<dyn Job>) -> Result<(), Box<dyn Job>> {
        let mut ahead = self.lock();
        if ahead.jobs.len() >= AHEAD_MAX {
            return Err(job);
        }
        ahead.jobs.push(job);
        if !std::mem::replace(&mut ahead.is_seen_to, true) {
            drop(ahead);
            let queue = self.clone();
            // Detached: it ends by itself, soon.
            self.node.spawn(async move {
                sleep(FLUSH_AFTER).await;
                queue.lock().is_seen_to = false;
                // Without a writer there is nobody to send to, and nobody who waits.
                let _closed = queue.send_all(None).await;
            });
        }
        Ok(())
    }

    /// Sends something that is no change, behind all changes before it.
    pub(super) async fn tell(&self, message: Message) -> Result<(), Closed> {
        self.send_all(None).await?;
        self.messages.send(message).await.map_err(|_closed| Closed)
    }

    async fn send_all(&self, last: Option<Box<dyn Job>>) -> Result<(), Closed> {
        let room = self.messages.reserve().await.map_err(|_closed| Closed)?;
        // Under the lock: whoever takes changes out of it sends them before anybody else sends what is later.
        let mut ahead = self.lock();
        let mut jobs = std::mem::take(&mut ahead.jobs);
        jobs.extend(last);
        if !jobs.is_empty() {
            room.send(Message::Jobs(jobs));
        }
        Ok(())
    }

    /// Nothing panics under the lock: values are only moved.
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use domain::StoreError;
    use node::RealOptions;

    use super::super::batch::Batch;
    use super::super::fault::Fault;
    use super::*;

    struct Nothing;

    impl Job for Nothing {
        fn run(&mut self, _batch: &mut Batch<'_>) -> Result<(), Fault> {
            Ok(())
        }

        fn answer(self: Box<Self>, _batch: Result<(), &StoreError>) {}
    }

    #[tokio::test]
    async fn what_is_put_aside_is_bounded_and_what_comes_then_takes_it_along() {
        // On one thread nothing else runs meanwhile: all of it stays where it is until it is taken along.
        let (queue, mut received) = Queue::new(Node::real(RealOptions::default()));
        for _ in 0..AHEAD_MAX {
            queue.send_ahead(Box::new(Nothing)).await.expect("a writer");
        }
        assert_eq!(queue.lock().jobs.len(), AHEAD_MAX);
        assert!(received.try_recv().is_err(), "nothing was sent yet");
        queue.send_ahead(Box::new(Nothing)).await.expect("a writer");
        assert_eq!(queue.lock().jobs.len(), 0);
        let Ok(Message::Jobs(sent)) = received.try_recv() else { panic!("changes") };
        assert_eq!(sent.len(), AHEAD_MAX + 1);
    }
}
