//! What has been seen of a load so far.

use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use bytes::Bytes;
use evidence::facts::{Answer, Asked};
use http::Request;
use node::Node;
use node::http::Client;

use crate::answer::answer;

/// What has been seen so far, shared with the tasks.
#[derive(Clone, Debug)]
pub(crate) struct Log {
    node: Node,
    start: Duration,
    asked: Arc<Mutex<Vec<Asked>>>,
}

/// The place of one order in the log.
#[derive(Debug)]
pub(crate) struct Entry {
    log: Log,
    index: usize,
}

impl Log {
    pub(crate) fn starting_now(node: &Node) -> Self {
        Self { node: node.clone(), start: node.elapsed(), asked: Arc::default() }
    }

    /// Time since the start.
    pub(crate) fn now(&self) -> Duration {
        self.node.elapsed().saturating_sub(self.start)
    }

    /// How many orders it has.
    pub(crate) fn len(&self) -> usize {
        self.asked().len()
    }

    fn now_us(&self) -> u64 {
        micros(self.now())
    }

    fn asked(&self) -> MutexGuard<'_, Vec<Asked>> {
        self.asked.lock().expect("nobody panics while holding the log")
    }

    pub(crate) fn dropped(&self, order: String, intended: Duration) {
        let intended_us = micros(intended);
        self.asked().push(Asked {
            order,
            intended_us,
            sent_us: None,
            done_us: intended_us,
            answer: Answer::NotSent,
        });
    }

    /// Should the task be stopped, the order stays as one that was sent and whose exchange broke.
    pub(crate) fn sending(&self, order: String, intended: Duration) -> Entry {
        let now_us = self.now_us();
        let mut asked = self.asked();
        let index = asked.len();
        let (sent_us, done_us) = (Some(now_us), now_us);
        asked.push(Asked { order, intended_us: micros(intended), sent_us, done_us, answer: Answer::Broken });
        Entry { log: self.clone(), index }
    }

    pub(crate) fn take(&self) -> Vec<Asked> {
        std::mem::take(&mut *self.asked())
    }
}

impl Entry {
    /// Sends now, and writes the answer down when it comes. What is held is given back after that.
    pub(crate) async fn exchange(
        self,
        client: Client,
        request: Request<Bytes>,
        patience: Duration,
        held: impl Send,
    ) {
        let entry = self.sent();
        let call = tokio::time::timeout(patience, client.send(request)).await;
        entry.answered(answer(&call));
        drop(held);
    }

    /// The request leaves now, which under load may be later than its task was spawned.
    fn sent(self) -> Self {
        let now_us = self.log.now_us();
        self.log.asked()[self.index].sent_us = Some(now_us);
        self
    }

    fn answered(self, answer: Answer) {
        let done_us = self.log.now_us();
        let mut asked = self.log.asked();
        asked[self.index].done_us = done_us;
        asked[self.index].answer = answer;
    }
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}
