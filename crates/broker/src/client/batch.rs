//! What many tasks say at the same time, in one request.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use domain::broker::BrokerError;
use node::Node;
use tokio::sync::{Semaphore, mpsc, oneshot};
use tokio::time::timeout;

use crate::wire::REQUEST_BYTES;

/// How many calls can wait to be sent. Whoever comes then waits for room.
const QUEUE_MAX: usize = 4_096;
/// How many requests are under way at once.
const AT_ONCE: usize = 2;

/// What became of each call of a request, or of the request.
pub(super) type Outcomes<R> = Result<Vec<Result<R, BrokerError>>, BrokerError>;
type Sending<R> = Pin<Box<dyn Future<Output = Outcomes<R>> + Send>>;

/// A queue of calls and a task that sends them. It ends when this is dropped.
#[derive(Debug)]
pub(super) struct Batcher<C, R> {
    queue: mpsc::Sender<Queued<C, R>>,
    within: Duration,
}

#[derive(Debug)]
struct Queued<C, R> {
    call: C,
    reply: oneshot::Sender<Result<R, BrokerError>>,
}

impl<C: Send + 'static, R: Send + 'static> Batcher<C, R> {
    /// A call may take as long as `within`, until it is sent and until it is answered. `weigh` says how many bytes a call takes; `send` makes a request of several.
    pub(super) fn new(
        node: &Node,
        within: Duration,
        weigh: impl Fn(&C) -> usize + Send + 'static,
        send: impl Fn(Vec<C>) -> Sending<R> + Send + 'static,
    ) -> Self {
        let (queue, mut queued) = mpsc::channel::<Queued<C, R>>(QUEUE_MAX);
        let on = node.clone();
        let run = async move {
            let permits = Arc::new(Semaphore::new(AT_ONCE));
            loop {
                let permit = Arc::clone(&permits).acquire_owned().await.expect("nobody closes it");
                let Some(first) = queued.recv().await else { break };
                let mut bytes = weigh(&first.call);
                let (mut calls, mut replies) = (vec![first.call], vec![first.reply]);
                while bytes < REQUEST_BYTES
                    && let Ok(next) = queued.try_recv()
                {
                    bytes += weigh(&next.call);
                    calls.push(next.call);
                    replies.push(next.reply);
                }
                let sending = send(calls);
                // Detached: it ends by itself, as every call has a deadline.
                drop(on.spawn(async move {
                    answer(replies, sending.await);
                    drop(permit);
                }));
            }
        };
        // Detached: it ends when nobody can ask any more.
        drop(node.spawn(run));
        Self { queue, within }
    }

    /// Says something, and waits for what becomes of it.
    pub(super) async fn call(&self, call: C) -> Result<R, BrokerError> {
        let (reply, answer) = oneshot::channel();
        let asked = async {
            let sent = self.queue.send(Queued { call, reply }).await;
            sent.map_err(|_ended| BrokerError::untouched("this process is ending"))?;
            answer.await.map_err(|_ended| BrokerError::unknown("this process is ending"))?
        };
        // Twice: it may have to wait for a request that is under way.
        let slow = |_elapsed| BrokerError::unknown(format!("no answer within {:?}", self.within * 2));
        timeout(self.within * 2, asked).await.map_err(slow)?
    }
}

fn answer<R>(replies: Vec<oneshot::Sender<Result<R, BrokerError>>>, outcomes: Outcomes<R>) {
    let outcomes = match outcomes {
        Ok(outcomes) if outcomes.len() == replies.len() => Ok(outcomes),
        Ok(_) => Err(BrokerError::unknown("the broker answered another number of calls")),
        Err(error) => Err(error),
    };
    match outcomes {
        Ok(outcomes) => {
            for (reply, outcome) in replies.into_iter().zip(outcomes) {
                // Whoever does not wait any more need not know.
                let _gone = reply.send(outcome);
            }
        }
        Err(error) => {
            for reply in replies {
                let _gone = reply.send(Err(error.clone()));
            }
        }
    }
}
