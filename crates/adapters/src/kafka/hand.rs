//! What a consumer has received, and what of it is in somebody's hands. No Kafka here, and no clock of its own.
//!
//! ```text
//! received ──▶ waiting ──give──▶ in flight ──begin──▶ being settled ──finish──▶ gone
//!                 ▲                  │                      └──failed──▶ in flight
//!                 └──lease is over───┘
//! ```
//!
//! A partition that is taken away takes its messages along: what is said of them later is of no effect. Before that it is
//! *leaving*: nothing more of it is given, and what is in somebody's hands may be settled.

use std::collections::{BTreeMap, BTreeSet};

use domain::Message;
use domain::broker::{Delivery, FailedAttempt, Receipt};
use tokio::time::Instant;

use super::offsets::Offsets;

/// Where messages come from: a partition of the topic, or of the group's own topic of repetitions.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) is_retry: bool,
    pub(super) partition: i32,
}

/// A message as it was received.
#[derive(Clone, Debug)]
pub(super) struct Received {
    pub(super) place: Place,
    pub(super) offset: i64,
    pub(super) message: Message,
    /// Which attempt it is, from 1.
    pub(super) attempt: u32,
    pub(super) history: Vec<FailedAttempt>,
    /// Not before this.
    pub(super) due: Instant,
}

#[derive(Debug)]
struct Entry {
    received: Received,
    state: State,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    Waiting,
    InFlight { delivery: u64, until: Instant },
    Settling { delivery: u64, until: Instant },
}

#[derive(Debug, Default)]
struct Partition {
    offsets: Offsets,
    is_leaving: bool,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Hand {
    max: usize,
    partitions: BTreeMap<Place, Partition>,
    /// By serial number, in the order in which they came.
    entries: BTreeMap<u64, Entry>,
    waiting: BTreeSet<(Instant, u64)>,
    in_flight: BTreeSet<(Instant, u64)>,
    settling: usize,
    serial: u64,
    delivery: u64,
}

impl Hand {
    /// Gives out at most `max` at once.
    pub(super) fn new(max: usize) -> Self {
        Self { max, ..Self::default() }
    }

    /// These partitions are this consumer's now.
    pub(super) fn assign(&mut self, places: &[Place]) {
        for place in places {
            self.partitions.insert(*place, Partition::default());
        }
    }

    /// Nothing more is given from these.
    pub(super) fn leave(&mut self, places: &[Place]) {
        for place in places {
            if let Some(partition) = self.partitions.get_mut(place) {
                partition.is_leaving = true;
            }
        }
    }

    /// Whether anything of these is in somebody's hands.
    pub(super) fn is_busy(&self, places: &[Place], now: Instant) -> bool {
        self.entries.values().any(|entry| {
            let is_held = match entry.state {
                State::Waiting => false,
                State::InFlight { until, .. } => until > now,
                State::Settling { .. } => true,
            };
            is_held && places.contains(&entry.received.place)
        })
    }

    /// These are not this consumer's any more.
    pub(super) fn revoke(&mut self, places: &[Place]) {
        for place in places {
            self.partitions.remove(place);
        }
        let gone: Vec<_> = self
            .entries
            .iter()
            .filter(|(_, entry)| places.contains(&entry.received.place))
            .map(|(serial, _)| *serial)
            .collect();
        gone.into_iter().for_each(|serial| self.forget(serial));
    }

    /// Everything is somebody else's.
    pub(super) fn revoke_all(&mut self) {
        let places: Vec<_> = self.partitions.keys().copied().collect();
        self.revoke(&places);
    }

    /// One came. What comes from elsewhere than from this consumer's partitions is passed over.
    pub(super) fn receive(&mut self, received: Received) {
        let Some(partition) = self.partitions.get_mut(&received.place) else { return };
        partition.offsets.received(received.offset);
        self.serial += 1;
        self.waiting.insert((received.due, self.serial));
        self.entries.insert(self.serial, Entry { received, state: State::Waiting });
    }

    /// How many are here of one kind, waiting or in somebody's hands.
    pub(super) fn count(&self, is_retry: bool) -> usize {
        self.entries.values().filter(|entry| entry.received.place.is_retry == is_retry).count()
    }

    /// Gives out what is due, in the order in which it came; `until` is the end of the leases.
    pub(super) fn give(&mut self, wanted: usize, now: Instant, until: Instant) -> Vec<Delivery> {
        self.take_back(now);
        let room = self.room().min(wanted);
        let due: Vec<_> = self
            .waiting
            .iter()
            .take_while(|(due, _)| *due <= now)
            .filter(|(_, serial)| !self.is_leaving(*serial))
            .take(room)
            .copied()
            .collect();
        let mut given = Vec::with_capacity(due.len());
        for (due, serial) in due {
            self.waiting.remove(&(due, serial));
            self.delivery += 1;
            let delivery = self.delivery;
            let entry = self.entries.get_mut(&serial).expect("what waits is there");
            entry.state = State::InFlight { delivery, until };
            self.in_flight.insert((until, serial));
            given.push(Delivery {
                message: entry.received.message.clone(),
                attempt: entry.received.attempt,
                receipt: Receipt { message: serial, delivery },
            });
        }
        given
    }

    fn room(&self) -> usize {
        self.max.saturating_sub(self.in_flight.len() + self.settling)
    }

    /// When there may be something to give that there is not now.
    pub(super) fn next_change(&self) -> Option<Instant> {
        let mut waiting = self.waiting.iter().filter(|_| self.room() > 0);
        let due = waiting.find(|(_, serial)| !self.is_leaving(*serial)).map(|(due, _)| *due);
        let over = self.in_flight.first().map(|(until, _)| *until);
        due.into_iter().chain(over).min()
    }

    /// Takes a message out of somebody's hands to settle it; `None` when it is not theirs.
    pub(super) fn begin(&mut self, receipt: Receipt, now: Instant) -> Option<Received> {
        let entry = self.entries.get_mut(&receipt.message)?;
        match entry.state {
            State::InFlight { delivery, until } if delivery == receipt.delivery && until > now => {
                entry.state = State::Settling { delivery, until };
                self.in_flight.remove(&(until, receipt.message));
                self.settling += 1;
                Some(entry.received.clone())
            }
            _ => None,
        }
    }

    /// It is dealt with: its offset may be committed.
    pub(super) fn done(&mut self, receipt: Receipt) {
        if let Some(Received { place, offset, .. }) = self.settled(receipt)
            && let Some(partition) = self.partitions.get_mut(&place)
        {
            partition.offsets.done(offset);
        }
    }

    /// Whether it is still this consumer's to settle.
    fn settled(&self, receipt: Receipt) -> Option<Received> {
        let entry = self.entries.get(&receipt.message)?;
        matches!(entry.state, State::Settling { delivery, .. } if delivery == receipt.delivery)
            .then(|| entry.received.clone())
    }

    /// Settling is over. What was done is gone; what was not can be settled again, until its lease is over. Says
    /// whether it was still this consumer's.
    pub(super) fn finish(&mut self, receipt: Receipt, is_done: bool) -> bool {
        if self.settled(receipt).is_none() {
            return false;
        }
        if is_done {
            self.forget(receipt.message);
        } else if let Some(entry) = self.entries.get_mut(&receipt.message)
            && let State::Settling { delivery, until } = entry.state
        {
            entry.state = State::InFlight { delivery, until };
            self.in_flight.insert((until, receipt.message));
            self.settling -= 1;
        }
        true
    }

    /// Begins a lease anew, if it is not over.
    pub(super) fn extend(&mut self, receipt: Receipt, now: Instant, to: Instant) -> bool {
        let Some(entry) = self.entries.get_mut(&receipt.message) else { return false };
        match &mut entry.state {
            State::InFlight { delivery, until } if *delivery == receipt.delivery && *until > now => {
                self.in_flight.remove(&(*until, receipt.message));
                *until = to;
                self.in_flight.insert((to, receipt.message));
                true
            }
            _ => false,
        }
    }

    /// What may be committed and is not yet.
    pub(super) fn to_commit(&self) -> Vec<(Place, i64)> {
        let position =
            |(place, partition): (&Place, &Partition)| Some((*place, partition.offsets.to_commit()?));
        self.partitions.iter().filter_map(position).collect()
    }

    /// These are committed.
    pub(super) fn committed(&mut self, positions: &[(Place, i64)]) {
        for (place, position) in positions {
            if let Some(partition) = self.partitions.get_mut(place) {
                partition.offsets.committed(*position);
            }
        }
    }

    fn is_leaving(&self, serial: u64) -> bool {
        let place = self.entries.get(&serial).map(|entry| entry.received.place);
        place.and_then(|place| self.partitions.get(&place)).is_none_or(|partition| partition.is_leaving)
    }

    /// Takes back what nobody said anything about in time.
    fn take_back(&mut self, now: Instant) {
        while let Some((until, serial)) = self.in_flight.first().copied()
            && until <= now
        {
            self.in_flight.remove(&(until, serial));
            let entry = self.entries.get_mut(&serial).expect("what is in flight is there");
            entry.state = State::Waiting;
            entry.received.attempt = entry.received.attempt.saturating_add(1);
            self.waiting.insert((entry.received.due, serial));
        }
    }

    fn forget(&mut self, serial: u64) {
        let Some(entry) = self.entries.remove(&serial) else { return };
        match entry.state {
            State::Waiting => drop(self.waiting.remove(&(entry.received.due, serial))),
            State::InFlight { until, .. } => drop(self.in_flight.remove(&(until, serial))),
            State::Settling { .. } => self.settling -= 1,
        }
    }
}

#[cfg(test)]
mod tests;
