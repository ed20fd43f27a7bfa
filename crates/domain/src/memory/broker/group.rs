//! What one group has of its topic: pure, the time comes in.
//!
//! ```text
//!            ┌── a message of its key is before it ──▶ behind
//! put ───────┤                                            │ that one is done
//!            └──────────────▶ ready ◀────────────────────-┘
//!                        take │  ▲ due, lease over, released
//!                             ▼  │
//!                         in flight ──retry──▶ delayed
//! ```
//!
//! Messages of one key are given out one after the other, also when one of them has to be repeated.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

use crate::broker::{Delivery, FailedAttempt, Lag, Receipt};
use crate::outbox::Message;

/// Time since the broker began.
pub(super) type Now = Duration;

/// What one group has not dealt with.
#[derive(Debug, Default)]
pub(super) struct Group {
    /// Everything, by its place in the topic.
    entries: BTreeMap<u64, Entry>,
    /// The places of each key, in their order; only the first of a key can be given out.
    keys: BTreeMap<String, VecDeque<u64>>,
    /// What can be given out now.
    ready: BTreeSet<u64>,
    /// What can be given out later.
    delayed: BTreeSet<(Now, u64)>,
    /// When leases are over.
    leases: BTreeSet<(Now, u64)>,
}

#[derive(Debug)]
struct Entry {
    message: Message,
    /// How often it was given out.
    attempts: u32,
    /// Not before.
    due: Now,
    held: Option<Held>,
    history: Vec<FailedAttempt>,
}

/// In whose hands an entry is.
#[derive(Debug)]
struct Held {
    consumer: u64,
    name: String,
    delivery: u64,
    lease_over: Now,
}

/// A message that a group has done with, with what it went through.
#[derive(Debug)]
pub(super) struct Done {
    pub(super) place: u64,
    pub(super) message: Message,
    pub(super) attempts: u32,
    pub(super) history: Vec<FailedAttempt>,
}

/// Who takes messages.
#[derive(Clone, Debug)]
pub(super) struct Taker {
    pub(super) consumer: u64,
    pub(super) name: String,
    pub(super) lease: Duration,
}

impl Group {
    /// Takes a message in.
    pub(super) fn put(&mut self, place: u64, message: Message) {
        let of_key = self.keys.entry(message.key.clone()).or_default();
        of_key.push_back(place);
        if of_key.len() == 1 {
            self.ready.insert(place);
        }
        let entry = Entry { message, attempts: 0, due: Now::ZERO, held: None, history: Vec::new() };
        self.entries.insert(place, entry);
    }

    /// Gives out messages, at most `max`.
    pub(super) fn take(
        &mut self,
        taker: &Taker,
        max: usize,
        now: Now,
        mut delivery: impl FnMut() -> u64,
    ) -> Vec<Delivery> {
        self.catch_up(now);
        let places: Vec<_> = self.ready.iter().copied().take(max).collect();
        let give = |place| {
            self.ready.remove(&place);
            let entry = self.entries.get_mut(&place).expect("what is ready is there");
            let lease_over = now + taker.lease;
            let delivery = delivery();
            entry.attempts += 1;
            entry.held =
                Some(Held { consumer: taker.consumer, name: taker.name.clone(), delivery, lease_over });
            self.leases.insert((lease_over, place));
            Delivery {
                message: entry.message.clone(),
                attempt: entry.attempts,
                receipt: Receipt { message: place, delivery },
            }
        };
        places.into_iter().map(give).collect()
    }

    /// A message is dealt with; `None` when it is not this consumer's any more.
    pub(super) fn finish(&mut self, receipt: Receipt, now: Now) -> Option<Done> {
        self.holds(receipt, now)?;
        let place = receipt.message;
        let entry = self.entries.remove(&place).expect("it is held");
        let held = entry.held.expect("it is held");
        self.leases.remove(&(held.lease_over, place));
        let of_key = self.keys.get_mut(&entry.message.key).expect("every entry stands under its key");
        of_key.pop_front();
        match of_key.front().copied() {
            None => _ = self.keys.remove(&entry.message.key),
            Some(next) => self.comes_again(next, now),
        }
        Some(Done { place, message: entry.message, attempts: entry.attempts, history: entry.history })
    }

    /// A message is given back, not to be given out before the delay is over.
    pub(super) fn retry(
        &mut self,
        receipt: Receipt,
        delay: Duration,
        reason: String,
        now: Now,
    ) -> Option<()> {
        self.holds(receipt, now)?;
        self.give_back(receipt.message, now + delay, reason, now);
        Some(())
    }

    /// A lease begins anew.
    pub(super) fn extend(&mut self, receipt: Receipt, lease: Duration, now: Now) -> Option<()> {
        self.holds(receipt, now)?;
        let held = self.entries.get_mut(&receipt.message)?.held.as_mut()?;
        self.leases.remove(&(held.lease_over, receipt.message));
        held.lease_over = now + lease;
        self.leases.insert((held.lease_over, receipt.message));
        Some(())
    }

    /// Gives back what a consumer holds.
    pub(super) fn release(&mut self, consumer: u64, now: Now) {
        let held = |entry: &Entry| entry.held.as_ref().is_some_and(|held| held.consumer == consumer);
        let places: Vec<_> =
            self.entries.iter().filter(|(_, entry)| held(entry)).map(|(place, _)| *place).collect();
        for place in places {
            self.give_back(place, now, "its consumer left".to_owned(), now);
        }
    }

    /// How many messages a consumer holds.
    pub(super) fn held_by(&mut self, consumer: u64, now: Now) -> usize {
        self.catch_up(now);
        let held = |entry: &&Entry| entry.held.as_ref().is_some_and(|held| held.consumer == consumer);
        self.leases.iter().filter_map(|(_, place)| self.entries.get(place)).filter(held).count()
    }

    /// When something can be given out that cannot be yet, unless something else happens.
    pub(super) fn next_due(&self) -> Option<Now> {
        let delayed = self.delayed.first().map(|(due, _)| *due);
        let leases = self.leases.first().map(|(over, _)| *over);
        delayed.into_iter().chain(leases).min()
    }

    pub(super) fn lag(&mut self, now: Now) -> Lag {
        self.catch_up(now);
        let in_flight = self.leases.len() as u64;
        Lag { waiting: self.entries.len() as u64 - in_flight, in_flight, dead_letters: None }
    }

    /// Whether this receipt's delivery is the message's present one.
    fn holds(&mut self, receipt: Receipt, now: Now) -> Option<()> {
        self.catch_up(now);
        let held = self.entries.get(&receipt.message)?.held.as_ref()?;
        (held.delivery == receipt.delivery).then_some(())
    }

    /// Whatever was to happen by now.
    fn catch_up(&mut self, now: Now) {
        while let Some((over, place)) = self.leases.first().copied().filter(|(over, _)| *over <= now) {
            self.give_back(place, over, "its lease was over".to_owned(), over);
        }
        while let Some((due, place)) = self.delayed.first().copied().filter(|(due, _)| *due <= now) {
            self.delayed.remove(&(due, place));
            self.ready.insert(place);
        }
    }

    fn give_back(&mut self, place: u64, due: Now, reason: String, at: Now) {
        let entry = self.entries.get_mut(&place).expect("it is held");
        let held = entry.held.take().expect("it is held");
        self.leases.remove(&(held.lease_over, place));
        entry.due = due;
        let at_us = u64::try_from(at.as_micros()).unwrap_or(u64::MAX);
        entry.history.push(FailedAttempt { attempt: entry.attempts, at_us, consumer: held.name, reason });
        self.comes_again(place, at);
    }

    /// The first message of its key can be given out, now or when it is due.
    fn comes_again(&mut self, place: u64, now: Now) {
        let due = self.entries.get(&place).expect("every place under a key has an entry").due;
        if due <= now {
            self.ready.insert(place);
        } else {
            self.delayed.insert((due, place));
        }
    }
}
