//! What a consumer has in its hands, and how long.
//!
//! ```text
//! room ──reserve──▶ reserved ──put──▶ held ──take──▶ (settled)
//!   ▲                  │               │
//!   └────release───────┘◀──its time is over
//! ```
//!
//! Bounds: reserved and held together are never more than the consumer may have at once.

use std::collections::BTreeMap;

use domain::broker::Receipt;
use tokio::time::Instant;

/// The things in a consumer's hands, by what they are called by.
#[derive(Debug)]
pub(super) struct Held<T> {
    things: BTreeMap<u64, Leased<T>>,
    reserved: usize,
    max: usize,
}

/// A thing with the end of its lease.
#[derive(Debug)]
struct Leased<T> {
    delivery: u64,
    until: Instant,
    thing: T,
}

impl<T> Held<T> {
    pub(super) const fn new(max: usize) -> Self {
        Self { things: BTreeMap::new(), reserved: 0, max }
    }

    /// Takes room for as many things as there is, up to `wanted`.
    pub(super) fn reserve(&mut self, wanted: usize, now: Instant) -> usize {
        self.things.retain(|_, leased| leased.until > now);
        let room = self.max.saturating_sub(self.things.len() + self.reserved).min(wanted);
        self.reserved += room;
        room
    }

    /// Gives room back.
    pub(super) fn release(&mut self, room: usize) {
        self.reserved = self.reserved.checked_sub(room).expect("it was reserved");
    }

    /// Takes a thing in hand; one that was delivered before is not that delivery's any more.
    pub(super) fn put(&mut self, receipt: Receipt, until: Instant, thing: T) {
        self.things.insert(receipt.message, Leased { delivery: receipt.delivery, until, thing });
    }

    /// Gives a thing away, if it is held still, with the end of its lease.
    pub(super) fn take(&mut self, receipt: Receipt, now: Instant) -> Option<(T, Instant)> {
        let leased = self.things.get(&receipt.message)?;
        if leased.delivery != receipt.delivery || leased.until <= now {
            return None;
        }
        self.things.remove(&receipt.message).map(|leased| (leased.thing, leased.until))
    }

    /// A thing, if it is held still.
    pub(super) fn get(&self, receipt: Receipt, now: Instant) -> Option<&T> {
        let leased = self.things.get(&receipt.message)?;
        (leased.delivery == receipt.delivery && leased.until > now).then_some(&leased.thing)
    }

    /// Moves the end of a lease.
    pub(super) fn extend(&mut self, receipt: Receipt, until: Instant) {
        if let Some(leased) = self.things.get_mut(&receipt.message)
            && leased.delivery == receipt.delivery
        {
            leased.until = leased.until.max(until);
        }
    }

    /// Gives everything away.
    pub(super) fn take_all(&mut self) -> Vec<T> {
        std::mem::take(&mut self.things).into_values().map(|leased| leased.thing).collect()
    }

    /// When the first lease is over.
    pub(super) fn first_end(&self) -> Option<Instant> {
        self.things.values().map(|leased| leased.until).min()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    const LEASE: Duration = Duration::from_secs(1);

    fn receipt(message: u64, delivery: u64) -> Receipt {
        Receipt { message, delivery }
    }

    #[tokio::test(start_paused = true)]
    async fn holds_no_more_than_it_may() {
        let now = Instant::now();
        let mut held = Held::new(3);
        assert_eq!((held.reserve(2, now), held.reserve(5, now), held.reserve(1, now)), (2, 1, 0));
        held.release(2);
        held.put(receipt(1, 1), now + LEASE, "a");
        held.release(1);
        assert_eq!(held.reserve(5, now), 2, "one is held");
        held.release(2);
        assert_eq!(held.reserve(5, now + LEASE), 3, "its lease is over");
    }

    #[tokio::test(start_paused = true)]
    async fn gives_a_thing_away_once_and_only_in_time() {
        let now = Instant::now();
        let mut held = Held::new(9);
        for message in 1..=3 {
            held.put(receipt(message, message), now + LEASE, message);
        }
        assert_eq!(held.take(receipt(1, 7), now), None, "another delivery");
        assert_eq!(held.take(receipt(1, 1), now), Some((1, now + LEASE)));
        assert_eq!(held.take(receipt(1, 1), now), None, "it was given away");
        assert_eq!((held.get(receipt(2, 2), now), held.get(receipt(2, 2), now + LEASE)), (Some(&2), None));
        held.extend(receipt(2, 2), now + 2 * LEASE);
        held.extend(receipt(3, 9), now + 2 * LEASE);
        assert_eq!(held.first_end(), Some(now + LEASE), "another delivery was extended");
        assert_eq!(held.take(receipt(3, 3), now + LEASE), None, "too late");
        assert_eq!(held.take(receipt(2, 2), now + LEASE), Some((2, now + 2 * LEASE)));
        assert_eq!(held.take_all(), [3]);
    }

    #[tokio::test(start_paused = true)]
    async fn a_later_delivery_is_what_counts() {
        let now = Instant::now();
        let mut held = Held::new(9);
        held.put(receipt(1, 1), now + LEASE, "first");
        held.put(receipt(1, 2), now + LEASE, "second");
        assert_eq!(held.take(receipt(1, 1), now), None);
        assert_eq!(held.take(receipt(1, 2), now), Some(("second", now + LEASE)));
    }
}
