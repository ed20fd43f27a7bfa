//! When something arrives somewhere: the network's agenda.
//!
//! One agenda and one timer for the whole network, instead of a timer per waiting reader: a reader is
//! woken once, when its bytes are there.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Poll, Waker};

use tokio::time::{Instant, sleep_until};

use super::world::{Shared, lock};

/// One end of one connection.
pub(super) type Address = (usize, usize);

#[derive(Debug, Default)]
pub(super) struct Deliveries {
    agenda: BTreeMap<Instant, Vec<Address>>,
    spare: Vec<Vec<Address>>,
    driver: Option<Waker>,
}

impl Deliveries {
    /// Notes that something arrives for `address` at `at`.
    pub(super) fn add(&mut self, at: Instant, address: Address) {
        let earlier = self.agenda.first_key_value().is_none_or(|(first, _)| at < *first);
        let due = self.agenda.entry(at).or_insert_with(|| self.spare.pop().unwrap_or_default());
        if due.last() != Some(&address) {
            due.push(address);
        }
        if earlier && let Some(driver) = self.driver.take() {
            driver.wake();
        }
    }

    /// What is due first, if it is due by now.
    fn take_due(&mut self, now: Instant) -> Option<Vec<Address>> {
        let first = self.agenda.first_entry()?;
        (*first.key() <= now).then(|| first.remove())
    }

    fn next(&self) -> Option<Instant> {
        self.agenda.first_key_value().map(|(at, _)| *at)
    }
}

/// Wakes whoever something has arrived for, in the order of arrival. Runs as long as the world does.
pub(super) async fn drive(world: Shared) {
    let world = Arc::downgrade(&world);
    let timer = sleep_until(Instant::now());
    tokio::pin!(timer);
    poll_fn(move |cx| {
        let Some(world) = world.upgrade() else { return Poll::Ready(()) };
        loop {
            let mut world = lock(&world);
            let now = Instant::now();
            while let Some(mut due) = world.deliveries.take_due(now) {
                for (connection, end) in due.drain(..) {
                    world.wake(connection, end);
                }
                world.deliveries.spare.push(due);
            }
            world.deliveries.driver = Some(cx.waker().clone());
            let Some(next) = world.deliveries.next() else { return Poll::Pending };
            drop(world);
            if timer.deadline() != next {
                timer.as_mut().reset(next);
            }
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
        }
    })
    .await;
}
