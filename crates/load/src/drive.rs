//! The generator: sends each order at its intended time, and writes down what its client saw.
//!
//! Every order has a task of its own, because an open loop does not wait. What is bounded is their number: an
//! order that finds [`DriveOptions::outstanding_max`] before it is a *dropped send*, recorded and never sent.
//! A send that leaves later than [`DriveOptions::late_after`] is counted as late: then the numbers say
//! something about the generator.
//!
//! A client's patience runs from the *actual* send, as a real client's does, which knows nothing of our
//! schedule; its latency is measured from the *intended* send, by whoever judges the facts.
//!
//! All times are microseconds from the call of [`drive`], on the node's timeline.

use std::time::Duration;

use bytes::Bytes;
use evidence::facts::Asked;
use http::Request;
use node::Node;
use node::http::Client;

use crate::balance::Targets;
use crate::duplicates::Duplicates;
use crate::log::Log;
use crate::pace::{self, Room};
use crate::stop::Stop;

/// How the generator behaves.
#[derive(Clone, Debug)]
pub struct DriveOptions {
    /// How long a client waits for its answer, from the actual send. Default 30 s.
    pub client_timeout: Duration,
    /// How many orders may be without an answer at once. Default 65,536.
    pub outstanding_max: usize,
    /// From which delay on a send counts as late. Default 10 ms.
    pub late_after: Duration,
    /// Which share of the requests is sent twice: none, unless somebody sets it. A duplicate is the same request
    /// again, a short random time later; its answer is no outcome. One that finds no room is not sent.
    pub duplicates: Duplicates,
    /// Where requests go: where they say themselves, unless there are targets to choose from. A duplicate goes where its
    /// original went.
    pub targets: Targets,
}

impl Default for DriveOptions {
    fn default() -> Self {
        Self {
            client_timeout: Duration::from_secs(30),
            outstanding_max: 65_536,
            late_after: Duration::from_millis(10),
            duplicates: Duplicates::default(),
            targets: Targets::default(),
        }
    }
}

/// One order to be sent.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The id that the client chose for the order.
    pub order: String,
    /// The request.
    pub request: Request<Bytes>,
}

/// What became of a load.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Driven {
    /// Every order, in the order of the schedule.
    pub asked: Vec<Asked>,
    /// How many were sent later than [`DriveOptions::late_after`].
    pub late_sends: u64,
    /// Every duplicate, in the order of their originals' sends.
    pub repeated: Vec<Asked>,
}

impl Driven {
    /// What is in the logs of orders and of duplicates.
    pub(crate) fn of(log: &Log, repeated: &Log, options: &DriveOptions) -> Self {
        let asked = log.take();
        let late_after_us = u64::try_from(options.late_after.as_micros()).unwrap_or(u64::MAX);
        let is_late = |order: &&Asked| {
            order.sent_us.is_some_and(|sent_us| sent_us.saturating_sub(order.intended_us) > late_after_us)
        };
        Self { late_sends: asked.iter().filter(is_late).count() as u64, asked, repeated: repeated.take() }
    }
}

/// Sends every order of a schedule and waits until each is answered or given up: at the latest the client's
/// timeout after the last send.
///
/// `arrivals` are times from now on, ascending; `ask` is called once for each, in turn, with 0, 1, 2, …, also
/// for sends that are then dropped.
///
/// # Cancel safety
/// Dropping the future sends nothing more and forgets what was seen; requests under way run on.
pub async fn drive(
    node: &Node,
    client: Client,
    arrivals: impl Iterator<Item = Duration>,
    mut ask: impl FnMut(u64) -> Ask,
    options: &DriveOptions,
) -> Driven {
    let room = Room::new(options.outstanding_max);
    let log = Log::starting_now(node);
    let repeated = Log::starting_now(node);
    let mut chance = node.rng("duplicates");
    pace::open(node, arrivals, &room, &mut Stop::never(), |sequence, intended, place| {
        let Ask { order, request } = ask(sequence);
        let Some(place) = place else {
            log.dropped(order, intended);
            return true;
        };
        let (request, flight) = options.targets.aim(request);
        let duplicate = options.duplicates.draw(&mut chance);
        if let Some((delay, place)) = duplicate.and_then(|delay| Some((delay, room.place()?))) {
            let (clock, intended) = (node.clone(), intended + delay);
            let entry = repeated.sending(order.clone(), intended);
            let (client, request, patience) = (client.clone(), request.clone(), options.client_timeout);
            node.spawn(async move {
                clock.sleep(delay).await;
                entry.exchange(client, request, patience, place).await;
            });
        }
        let entry = log.sending(order, intended);
        // Detached: the entry in the log is its result, and its place in the room says that it is done.
        node.spawn(entry.exchange(client.clone(), request, options.client_timeout, (flight, place)));
        true
    })
    .await;
    // Ends: each task has a timeout, and gives its place back even when it is stopped.
    room.everyone().await;
    Driven::of(&log, &repeated, options)
}
