//! What one group has not dealt with: which message may be given out next, and who holds which.
//!
//! Messages of one key are given out one after the other. Each key has a queue; its head is *ready*, *leased* or
//! *delayed*, and whatever stands behind it waits.
//!
//! ```text
//! behind ──▶ ready ──lease──▶ leased ──finish──▶ gone, and the next of its key is ready
//!              ▲                ├──give back────▶ ready
//!              └──due── delayed ◀──put off
//! ```

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use domain::broker::{FailedAttempt, Lag};

use super::change::Tries;
use super::settle::DELAY_US_MAX;

/// How many failed attempts of a message are remembered; the last ones.
pub(crate) const HISTORY_MAX: usize = 16;

/// Whoever asks for messages.
#[derive(Clone, Debug)]
pub(crate) struct Who {
    /// The number that its subscription was given.
    pub(crate) session: u64,
    /// Its name, for people.
    pub(crate) consumer: Arc<str>,
    /// How long it may say nothing.
    pub(crate) lease_us: u64,
    /// How many messages it may hold.
    pub(crate) in_flight_max: usize,
}

/// A message in somebody's hands.
#[derive(Clone, Debug)]
pub(super) struct Lease {
    pub(super) delivery: u64,
    pub(super) attempt: u32,
    pub(super) session: u64,
    consumer: Arc<str>,
    lease_us: u64,
    until_us: u64,
}

/// What a group did since the process began, and how far behind it is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) lag_max: u64,
    pub(crate) delivered: u64,
    pub(crate) acknowledged: u64,
    /// Put off.
    pub(crate) retried: u64,
    /// Leases that were over.
    pub(crate) expired: u64,
    pub(crate) dead_letters: u64,
    /// What was said too late.
    pub(crate) stale: u64,
}

#[derive(Debug)]
pub(super) struct Group {
    pub(super) topic: u32,
    pub(super) name: String,
    keys: BTreeMap<Arc<str>, VecDeque<u64>>,
    ready: BTreeSet<u64>,
    leases: BTreeMap<u64, Lease>,
    /// The leases by their end.
    ends: BTreeSet<(u64, u64)>,
    /// What may not be given out yet, by when it may.
    delayed: BTreeSet<(u64, u64)>,
    tries: BTreeMap<u64, Tries>,
    /// How many each session holds; none is absent.
    holds: BTreeMap<u64, usize>,
    pending: u64,
    pub(super) letters: u64,
    pub(super) counts: Counts,
}

impl Group {
    pub(super) fn new(topic: u32, name: String) -> Self {
        Self {
            topic,
            name,
            keys: BTreeMap::new(),
            ready: BTreeSet::new(),
            leases: BTreeMap::new(),
            ends: BTreeSet::new(),
            delayed: BTreeSet::new(),
            tries: BTreeMap::new(),
            holds: BTreeMap::new(),
            pending: 0,
            letters: 0,
            counts: Counts::default(),
        }
    }

    pub(super) fn lag(&self) -> Lag {
        let in_flight = self.leases.len() as u64;
        Lag { waiting: self.pending - in_flight, in_flight, dead_letters: Some(self.letters) }
    }

    /// Whether anything can be given out.
    pub(super) fn has_ready(&self) -> bool {
        !self.ready.is_empty()
    }

    /// A message is there, behind those of its key.
    pub(super) fn enqueue(&mut self, id: u64, key: &Arc<str>) {
        self.pending += 1;
        self.counts.lag_max = self.counts.lag_max.max(self.pending);
        if let Some(queue) = self.keys.get_mut(key) {
            queue.push_back(id);
        } else {
            self.keys.insert(Arc::clone(key), VecDeque::from([id]));
            self.ready.insert(id);
        }
    }

    /// What is known of a message from before a restart.
    pub(super) fn remember(&mut self, id: u64, mut tries: Tries, now_us: u64) {
        // A clock that was set back meanwhile delays nothing for longer than anything can be delayed.
        tries.not_before_us = tries.not_before_us.min(now_us.saturating_add(DELAY_US_MAX));
        if tries.not_before_us > now_us && self.ready.remove(&id) {
            self.delayed.insert((tries.not_before_us, id));
        }
        self.tries.insert(id, tries);
    }

    /// Leases the next message to somebody who may hold another one.
    pub(super) fn lease(&mut self, who: &Who, delivery: u64, now_us: u64) -> Option<(u64, u32)> {
        let held = self.holds.get(&who.session).copied().unwrap_or_default();
        if held >= who.in_flight_max {
            return None;
        }
        let id = self.ready.pop_first()?;
        let attempt = self.tries.get(&id).map_or(0, |tries| tries.attempts).saturating_add(1);
        let until_us = now_us.saturating_add(who.lease_us);
        let lease = Lease {
            delivery,
            attempt,
            session: who.session,
            consumer: Arc::clone(&who.consumer),
            lease_us: who.lease_us,
            until_us,
        };
        self.leases.insert(id, lease);
        self.ends.insert((until_us, id));
        *self.holds.entry(who.session).or_default() += 1;
        self.counts.delivered += 1;
        Some((id, attempt))
    }

    /// Whether this delivery is still in these hands.
    pub(super) fn is_held(&self, id: u64, delivery: u64, session: u64) -> bool {
        self.leases.get(&id).is_some_and(|lease| lease.delivery == delivery && lease.session == session)
    }

    /// Begins a lease anew.
    pub(super) fn extend(&mut self, id: u64, now_us: u64) {
        let Some(lease) = self.leases.get_mut(&id) else { return };
        self.ends.remove(&(lease.until_us, id));
        lease.until_us = now_us.saturating_add(lease.lease_us);
        self.ends.insert((lease.until_us, id));
    }

    /// The message is dealt with: the next of its key is ready. Returns what had failed with it.
    pub(super) fn finish(&mut self, id: u64, key: &Arc<str>) -> (Lease, Option<Tries>) {
        let lease = self.unlease(id);
        let queue = self.keys.get_mut(key).expect("a leased message is the head of its key");
        let head = queue.pop_front();
        debug_assert_eq!(head, Some(id), "only the head of a key is leased");
        match queue.front() {
            Some(next) => {
                self.ready.insert(*next);
            }
            None => {
                self.keys.remove(key);
            }
        }
        self.pending -= 1;
        (lease, self.tries.remove(&id))
    }

    /// The message failed, and may be given out again from then on. What is to be remembered of it.
    pub(super) fn put_off(&mut self, id: u64, not_before_us: u64, now_us: u64, reason: String) -> Tries {
        let lease = self.unlease(id);
        let tries = self.tries.entry(id).or_default();
        tries.attempts = lease.attempt;
        tries.not_before_us = not_before_us;
        if tries.history.len() >= HISTORY_MAX {
            tries.history.remove(0);
        }
        let consumer = lease.consumer.to_string();
        tries.history.push(FailedAttempt { attempt: lease.attempt, at_us: now_us, consumer, reason });
        if not_before_us > now_us {
            self.delayed.insert((not_before_us, id));
        } else {
            self.ready.insert(id);
        }
        tries.clone()
    }

    /// Gives back what a session holds; none of it failed, but it was given out.
    pub(super) fn give_back(&mut self, session: u64) -> Vec<(u64, Tries)> {
        let held: Vec<_> =
            self.leases.iter().filter(|(_, lease)| lease.session == session).map(|(id, _)| *id).collect();
        let give = |id| {
            let lease = self.unlease(id);
            self.ready.insert(id);
            let tries = self.tries.entry(id).or_default();
            tries.attempts = lease.attempt;
            tries.not_before_us = 0;
            (id, tries.clone())
        };
        held.into_iter().map(give).collect()
    }

    /// Makes ready whose delay is over.
    pub(super) fn wake(&mut self, now_us: u64) {
        while let Some((due_us, id)) = self.delayed.first().copied()
            && due_us <= now_us
        {
            self.delayed.pop_first();
            self.ready.insert(id);
        }
    }

    /// A message whose lease is over.
    pub(super) fn overdue(&self, now_us: u64) -> Option<u64> {
        self.ends.first().filter(|(until_us, _)| *until_us <= now_us).map(|(_, id)| *id)
    }

    /// When the next lease or delay is over.
    pub(super) fn next_due_us(&self) -> Option<u64> {
        let ends = self.ends.first().map(|(at_us, _)| *at_us);
        let due = self.delayed.first().map(|(at_us, _)| *at_us);
        ends.into_iter().chain(due).min()
    }

    /// What had failed with a message.
    pub(super) fn tries(&self, id: u64) -> Option<&Tries> {
        self.tries.get(&id)
    }

    fn unlease(&mut self, id: u64) -> Lease {
        let lease = self.leases.remove(&id).expect("only what is leased comes here");
        self.ends.remove(&(lease.until_us, id));
        let held = self.holds.get_mut(&lease.session).expect("a lease is somebody's");
        *held -= 1;
        if *held == 0 {
            self.holds.remove(&lease.session);
        }
        lease
    }
}
