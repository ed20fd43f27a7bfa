//! The two loops that every load is driven by, whatever is sent and wherever its answers go.
//!
//! * The *open* loop ([`open`]) sends at the times of a schedule, however slow the answers are. What is bounded is
//!   how many may be without an answer: a send that finds no room is handed on without a place.
//! * The *closed* loop ([`closed`]) has users who join one after the other and each do one thing after the other.
//!
//! Both end when everybody has given their place back, so a task that is stopped counts as done.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use node::{Node, Timer};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::stop::Stop;

/// The most places that a semaphore can give out at once.
const PLACES_MAX: usize =
    if (u32::MAX as usize) < Semaphore::MAX_PERMITS { u32::MAX as usize } else { Semaphore::MAX_PERMITS };

/// How many may be under way at once.
#[derive(Clone, Debug)]
pub(crate) struct Room {
    places: Arc<Semaphore>,
    size: u32,
}

impl Room {
    pub(crate) fn new(size: usize) -> Self {
        let size = size.min(PLACES_MAX);
        let places = Arc::new(Semaphore::new(size));
        Self { places, size: u32::try_from(size).unwrap_or(u32::MAX) }
    }

    /// A place, if there is one.
    pub(crate) fn place(&self) -> Option<OwnedSemaphorePermit> {
        self.places.clone().try_acquire_owned().ok()
    }

    /// Waits until every place is free.
    pub(crate) async fn everyone(&self) {
        let _everyone = self.places.acquire_many(self.size).await.expect("nobody closes the semaphore");
    }
}

/// Calls `send` at each of the times from now on with its number, its time, and a place or none. Ends with the
/// schedule or when it is stopped, without waiting for anybody; `send` says whether to go on.
pub(crate) async fn open(
    node: &Node,
    arrivals: impl Iterator<Item = Duration>,
    room: &Room,
    stop: &mut Stop,
    mut send: impl FnMut(u64, Duration, Option<OwnedSemaphorePermit>) -> bool,
) {
    let mut timer = Timer::new(node);
    let start = node.now();
    for (sequence, intended) in arrivals.enumerate() {
        let at = start + intended;
        if at <= node.now() {
            // A generator that is behind still lets its requests go on.
            tokio::task::yield_now().await;
            if stop.is_asked() {
                return;
            }
        } else {
            tokio::select! {
                biased;
                () = stop.sending() => return,
                () = timer.sleep_until(at) => {}
            }
        }
        if !send(sequence as u64, intended, room.place()) {
            return;
        }
    }
}

/// Lets users join, `spawn_per_s` of them a second, none after `duration`, and waits until all have ended.
pub(crate) async fn closed<F>(
    node: &Node,
    room: &Room,
    spawn_per_s: f64,
    duration: Duration,
    stop: &mut Stop,
    mut user: impl FnMut(u32) -> F,
) where
    F: Future<Output = ()> + Send + 'static,
{
    let start = node.elapsed();
    for index in 0..room.size {
        let joins = Duration::from_secs_f64((f64::from(index) / spawn_per_s).min(86_400.0));
        if joins >= duration {
            break;
        }
        let left = joins.saturating_sub(node.elapsed().saturating_sub(start));
        tokio::select! {
            biased;
            () = stop.sending() => break,
            () = node.sleep(left) => {}
        }
        let place = room.place().expect("there is a place for each user");
        let user = user(index);
        // Detached: its place says that it is done.
        node.spawn(async move {
            user.await;
            drop(place);
        });
    }
    room.everyone().await;
}
