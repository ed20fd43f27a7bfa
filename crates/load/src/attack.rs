//! The attack: targets, sent at their times or as fast as they are answered, and every hit handed on at once.
//!
//! The loops are those that also drive the laboratory's cells (`pace`); what differs is that nothing is kept. A hit
//! goes into a bounded channel as soon as it is known, so that a day of load takes the memory of a second. Should its
//! reader fall behind until the channel is full, exchanges keep their places until it has caught up: then sends are
//! dropped, and counted, instead of memory being filled.
//!
//! In the open loop a request's timestamp is when it was *meant* to be sent, and its latency runs from there: a
//! generator or a server that stalls makes everything that should have happened meanwhile late, and that shows
//! (coordinated omission). How late it left stands beside it. In the closed loops both are the same.
//!
//! States: sending; then waiting for what is under way; then over. [`Stopper::sending`](crate::Stopper::sending) skips
//! the rest of the first, [`Stopper::waiting`](crate::Stopper::waiting) of the second: what is given up then is a hit
//! without an answer, so that the results are complete in every case.

mod source;
mod web;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use node::{Gauge, Node, Rng};
use thiserror::Error;
use tokio::sync::{OwnedSemaphorePermit, mpsc};

pub use self::source::Source;
use self::web::WebClient;
pub use self::web::WebOptions;
use crate::arrivals::Arrivals;
use crate::hit::{Hit, NOT_SENT};
use crate::pace::{self, Room};
use crate::plan::Think;
use crate::rates::{Ramp, Stage};
use crate::stop::Stop;
use crate::targets::{Target, TargetError};

/// A load without an end goes on for so long.
const FOREVER: Duration = Duration::from_secs(10 * 365 * 24 * 60 * 60);

/// How many hits may wait for their reader.
pub const HITS_WAITING_MAX: usize = 16_384;

/// When requests are sent.
#[derive(Clone, Debug, PartialEq)]
pub enum Pace {
    /// Open loop: evenly spaced at one rate, until `duration` is over; without one, until it is stopped.
    Rate {
        /// Requests per second, above 0.
        per_s: f64,
        /// How long.
        duration: Option<Duration>,
    },
    /// Open loop: the stages of a ramp.
    Ramp(Ramp),
    /// Closed loop: users who wait for the answer, and think before they ask again. With as many users as workers, no
    /// thoughts, and all of them from the start, it is as fast as answers come.
    Users {
        /// How many join, at most.
        users: usize,
        /// How many of them a second; may be infinite.
        spawn_per_s: f64,
        /// How long they think.
        think: Think,
        /// How long they ask.
        duration: Option<Duration>,
    },
}

/// How an attack behaves.
#[derive(Clone, Debug)]
pub struct AttackOptions {
    /// The attack's name in the results.
    pub name: String,
    /// When requests are sent.
    pub pace: Pace,
    /// How many may be without an answer at once; in an open loop, what finds no place is dropped.
    pub outstanding_max: usize,
    /// How requests are sent.
    pub web: WebOptions,
}

/// Why an attack ended before its time.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum AttackError {
    /// A target that was read while it went on is wrong.
    #[error(transparent)]
    Target(#[from] TargetError),
    /// Encryption cannot be set up.
    #[error("cannot set up TLS: {0}")]
    Tls(String),
}

/// An attack that is ready to begin.
#[derive(Debug)]
pub struct Attack {
    shared: Arc<Shared>,
    pace: Pace,
    outstanding_max: usize,
}

/// What every exchange needs.
#[derive(Debug)]
struct Shared {
    node: Node,
    client: WebClient,
    source: Source,
    name: String,
    timeout: Duration,
    under_way: Gauge,
    sequence: AtomicU64,
}

/// One request's place in the attack.
struct Turn {
    sequence: u64,
    target: Arc<Target>,
    /// When it is meant to be sent, on the node's timeline.
    intended: Duration,
}

impl Attack {
    /// Prepares an attack on what `source` says.
    ///
    /// # Errors
    /// When encryption cannot be set up.
    pub fn new(node: &Node, source: Source, options: AttackOptions) -> Result<Self, AttackError> {
        let client = WebClient::new(node, &options.web, source.may_need_tls()).map_err(AttackError::Tls)?;
        let shared = Shared {
            node: node.clone(),
            client,
            source,
            name: options.name,
            timeout: options.web.timeout,
            under_way: Gauge::default(),
            sequence: AtomicU64::new(0),
        };
        Ok(Self { shared: Arc::new(shared), pace: options.pace, outstanding_max: options.outstanding_max })
    }

    /// How many requests are under way, now and later: it follows the attack.
    #[must_use]
    pub fn under_way(&self) -> Gauge {
        self.shared.under_way.clone()
    }

    /// Attacks, and hands every hit to `hits` when it is known; over when the last of them was.
    ///
    /// # Errors
    /// When a target that is read meanwhile is wrong: nothing more is sent then, and what is under way is waited for.
    ///
    /// # Cancel safety
    /// Dropping the future sends nothing more in an open loop; what is under way runs on.
    pub async fn run(self, mut stop: Stop, hits: mpsc::Sender<Hit>) -> Result<(), AttackError> {
        let Self { shared, pace, outstanding_max } = self;
        match pace {
            Pace::Rate { per_s, duration } => {
                let duration = duration.unwrap_or(FOREVER);
                let stage = Stage { duration, from_per_s: per_s, to_per_s: per_s };
                open(&shared, Arrivals::even(&[stage]), outstanding_max, &mut stop, &hits).await;
            }
            Pace::Ramp(ramp) => {
                open(&shared, Arrivals::even(ramp.stages()), outstanding_max, &mut stop, &hits).await;
            }
            Pace::Users { users, spawn_per_s, think, duration } => {
                let room = Room::new(users.min(outstanding_max));
                let duration = duration.unwrap_or(FOREVER);
                let until = shared.node.elapsed() + duration;
                let mut asked = stop.clone();
                pace::closed(&shared.node, &room, spawn_per_s, duration, &mut asked, |index| {
                    let rng = shared.node.rng(&format!("user-{index}"));
                    user(Arc::clone(&shared), rng, think, until, stop.clone(), hits.clone())
                })
                .await;
            }
        }
        shared.source.error().map_or(Ok(()), |error| Err(error.into()))
    }
}

async fn open(
    shared: &Arc<Shared>,
    arrivals: Arrivals,
    outstanding_max: usize,
    stop: &mut Stop,
    hits: &mpsc::Sender<Hit>,
) {
    let room = Room::new(outstanding_max);
    let start = shared.node.elapsed();
    let given_up = stop.clone();
    pace::open(&shared.node, arrivals, &room, stop, |sequence, intended, place| {
        let Some(target) = shared.source.next(sequence) else { return false };
        let turn = Turn { sequence, target, intended: start + intended };
        let (shared, hits, given_up) = (Arc::clone(shared), hits.clone(), given_up.clone());
        match place {
            Some(place) => {
                let node = shared.node.clone();
                // Detached: its hit is its result, and its place says that it is done.
                node.spawn(shared.exchange(turn, given_up, hits, Some(place)));
            }
            // With the reader so far behind that not even this fits, it is still missing from the sequence.
            None => drop(hits.try_send(shared.dropped(turn, outstanding_max))),
        }
        true
    })
    .await;
    // Ends: each exchange has a timeout, and gives its place back even when it is stopped.
    room.everyone().await;
}

async fn user(
    shared: Arc<Shared>,
    mut rng: Rng,
    think: Think,
    until: Duration,
    mut stop: Stop,
    hits: mpsc::Sender<Hit>,
) {
    while shared.node.elapsed() < until && !stop.is_asked() {
        let sequence = shared.sequence.fetch_add(1, Ordering::Relaxed);
        let Some(target) = shared.source.next(sequence) else { return };
        let turn = Turn { sequence, target, intended: shared.node.elapsed() };
        Arc::clone(&shared).exchange(turn, stop.clone(), hits.clone(), None).await;
        let thought = think.draw(&mut rng);
        if !thought.is_zero() {
            tokio::select! {
                biased;
                () = stop.sending() => return,
                () = shared.node.sleep(thought) => {}
            }
        }
    }
}

impl Shared {
    /// Sends now, and hands on what came of it. The place is given back after that.
    async fn exchange(
        self: Arc<Self>,
        turn: Turn,
        mut stop: Stop,
        hits: mpsc::Sender<Hit>,
        place: Option<OwnedSemaphorePermit>,
    ) {
        let sent = self.node.elapsed();
        let under_way = self.under_way.enter();
        let mut hit = self.hit(&turn);
        hit.bytes_out = turn.target.body.len() as u64;
        hit.delay = Some(sent.saturating_sub(turn.intended));
        tokio::select! {
            biased;
            () = stop.waiting() => "stopped before the answer came".clone_into(&mut hit.error),
            call = tokio::time::timeout(self.timeout, self.client.call(&turn.target, &mut hit)) => match call {
                Ok(Ok(())) => {}
                Ok(Err(error)) => (hit.code, hit.error) = (0, error),
                Err(_elapsed) => {
                    let limit = crate::duration::format_duration(self.timeout);
                    (hit.code, hit.error) = (0, format!("timeout: no answer within {limit}"));
                }
            },
        }
        hit.latency = self.node.elapsed().saturating_sub(turn.intended);
        drop(under_way);
        // Nobody reads any more: then nobody wants to know.
        let _unread = hits.send(hit).await;
        drop(place);
    }

    fn dropped(&self, turn: Turn, outstanding_max: usize) -> Hit {
        let error = format!("{NOT_SENT}{outstanding_max} requests were without an answer");
        Hit { error, ..self.hit(&turn) }
    }

    fn hit(&self, turn: &Turn) -> Hit {
        Hit {
            attack: self.name.clone(),
            seq: turn.sequence,
            timestamp_ns: i64::try_from(turn.intended.as_nanos()).unwrap_or(i64::MAX),
            method: turn.target.method.as_str().to_owned(),
            url: turn.target.written.clone(),
            ..Hit::default()
        }
    }
}
