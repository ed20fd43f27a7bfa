//! A request for messages, which outlives the fetch that made it.
//!
//! ```text
//! asked ──▶ open ──the server has no more, or its time is over──▶ over
//!            │ ▲
//!  the fetch │ │ the next fetch
//!    is over ▼ │
//!         left behind
//! ```
//!
//! A server that finds nobody behind a request but a message for it has to put the message back, and some
//! (2.9, which Debian has) put back another one: what was put off then comes with a wrong number of attempts, and the
//! request is never answered. So a consumer does not let its request run out with each fetch that finds nothing: it stays
//! open for [`OUTLIVES`] longer and is taken up by the next fetch, with what has come meanwhile. That also keeps what
//! comes late, on a busy machine, or to a fetch that was given up.
//!
//! Bounds: the room for what may come stays reserved as long as the request is open. Where nobody fetches any more, what
//! comes is given out again when its lease is over, which is counted from when nothing had come yet.

use std::time::Duration;

use async_nats::Subscriber;
use futures_util::{FutureExt as _, StreamExt as _};
use serde::Serialize;
use tokio::task::unconstrained;
use tokio::time::{Instant, timeout_at};

/// How much longer than its fetch a request lives on the server.
pub(super) const OUTLIVES: Duration = Duration::from_secs(3);

/// How long after its time is over a request may still be answered: then it is given up.
const LATE_MAX: Duration = Duration::from_secs(1);

/// Asks for messages: answered as soon as there are any, and at the latest when it expires.
#[derive(Debug, Serialize)]
pub(super) struct Request {
    pub(super) batch: usize,
    pub(super) no_wait: bool,
    /// In nanoseconds.
    pub(super) expires: u64,
}

impl Request {
    /// For a fetch that waits so long.
    pub(super) fn new(batch: usize, wait: Duration) -> Self {
        let expires = u64::try_from((wait + OUTLIVES).as_nanos()).unwrap_or(u64::MAX);
        // With a time to wait, it means: all there are, or the next one.
        Self { batch, no_wait: true, expires }
    }

    pub(super) fn to_json(&self) -> Vec<u8> {
        serde_json::to_vec(self).expect("it has text keys only")
    }
}

/// A request that may be answered still.
#[derive(Debug)]
pub(super) struct Pull {
    answers: Subscriber,
    /// How many messages it may bring still, for which there is room.
    pub(super) missing: usize,
    /// When the server stops.
    expires: Instant,
    /// When nothing had come yet.
    looked: Instant,
}

/// What became of looking for an answer.
pub(super) enum Looked {
    /// This came, at that time or later.
    Came(async_nats::Message, Instant),
    /// Nothing in time; something may come yet.
    Nothing,
    /// Nothing, and nothing will.
    Silence,
}

impl Pull {
    pub(super) const fn new(answers: Subscriber, missing: usize, expires: Instant, now: Instant) -> Self {
        Self { answers, missing, expires, looked: now }
    }

    /// The next answer. Nothing is lost when the future is dropped.
    pub(super) async fn next(&mut self, until: Instant) -> Looked {
        if let Some(there) = unconstrained(self.answers.next()).now_or_never() {
            return there.map_or(Looked::Silence, |answer| Looked::Came(answer, self.looked));
        }
        self.looked = Instant::now();
        let silent = self.expires + LATE_MAX;
        match timeout_at(until.min(silent), self.answers.next()).await {
            Ok(Some(answer)) => Looked::Came(answer, Instant::now()),
            Err(_nothing) if until < silent => Looked::Nothing,
            Ok(None) | Err(_) => Looked::Silence,
        }
    }

    /// What has come and was not taken.
    pub(super) fn rest(mut self) -> Vec<async_nats::Message> {
        let next = || self.answers.next().now_or_never().flatten();
        std::iter::from_fn(next).take(self.missing).collect()
    }
}
