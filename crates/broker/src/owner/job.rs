//! What is asked of the owner.

use std::fmt;

use domain::broker::{BrokerError, DeadLetter, DeadLetterFilter, Lag, Layout, Receipt, Settlement};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::engine::{Incoming, Outgoing, Who};
use crate::wire::{Place, Seat};

/// Whoever waits for an answer.
pub(crate) type Reply<T> = oneshot::Sender<Result<T, BrokerError>>;

/// What became of each of several calls.
pub(crate) type PerCall = Vec<Result<(), BrokerError>>;

/// Something to do.
pub(crate) enum Job {
    Declare(Vec<Layout>, Reply<()>),
    Publish(Vec<Vec<Incoming>>, Reply<PerCall>),
    Subscribe(Place, Reply<u64>),
    Fetch(Place, Waiting),
    Settle(Seat, Vec<Vec<Settlement>>, Reply<Vec<u32>>),
    Extend(Seat, Vec<Receipt>, Reply<u32>),
    GiveBack(Seat, Reply<()>),
    Lag(Place, Reply<Lag>),
    Letters(DeadLetterFilter, u64, usize, Reply<Vec<DeadLetter>>),
    Letter(u64, Reply<DeadLetter>),
    Replay(u64, Reply<()>),
    Purge(u64, Reply<()>),
    Total(DeadLetterFilter, Reply<u64>),
    Check(Reply<()>),
    /// Nobody waits for messages any more, from now on.
    Hush,
    /// Everything before this is written; then the file is closed.
    Close(oneshot::Sender<()>),
}

impl fmt::Debug for Job {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Job")
    }
}

/// A fetch that waits for messages.
#[derive(Debug)]
pub(crate) struct Waiting {
    pub(crate) who: Who,
    pub(crate) max: usize,
    pub(crate) until: Instant,
    pub(crate) reply: Reply<Vec<Outgoing>>,
}

/// Gives an answer, told how the turn ended.
type Give = dyn FnOnce(Result<(), &BrokerError>) + Send;

/// An answer that is given when the turn that it belongs to is durable, or has failed.
pub(super) struct Answer(Box<Give>);

impl Answer {
    /// Of something that is changed by the turn.
    pub(super) fn to_change<T: Send + 'static>(reply: Reply<T>, result: Result<T, BrokerError>) -> Self {
        Self(Box::new(move |turn| {
            let result = turn.map_err(Clone::clone).and(result);
            // Whoever does not wait any more need not know.
            let _gone = reply.send(result);
        }))
    }

    /// Of something that changes nothing.
    pub(super) fn to_question<T: Send + 'static>(reply: Reply<T>, result: Result<T, BrokerError>) -> Self {
        Self(Box::new(move |turn| {
            let untouched = |error: &BrokerError| match error {
                BrokerError::Unavailable { detail, .. } => BrokerError::untouched(detail.clone()),
                other => other.clone(),
            };
            let _gone = reply.send(turn.map_err(untouched).and(result));
        }))
    }

    pub(super) fn give(self, turn: Result<(), &BrokerError>) {
        (self.0)(turn);
    }
}

impl fmt::Debug for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Answer")
    }
}
