//! What becomes of messages that were given out.

use domain::broker::{DeadLetter, Receipt, Settlement, Verdict};

use super::{Change, Engine, MessageRow};
use crate::wire::letter_id;

/// How long a reason may be; what is longer is cut.
const REASON_BYTES_MAX: usize = 1_024;
/// How long a message can be put off, and a lease can be: a day.
pub(crate) const DELAY_US_MAX: u64 = 24 * 60 * 60 * 1_000_000;

/// Makes a letter's message of what is kept of it.
pub(crate) type Read<'a> = &'a dyn Fn(u64, &str, &str) -> Option<domain::Message>;

impl Engine {
    /// What became of messages in somebody's hands; how many were not in them any more. `read` makes a message of an id,
    /// a topic and a key; one that cannot be read stays where it is.
    pub(crate) fn settle(
        &mut self,
        group: u32,
        session: u64,
        settlements: Vec<Settlement>,
        now_us: u64,
        read: Read<'_>,
    ) -> u32 {
        let mut stale = 0;
        for Settlement { receipt: Receipt { message: id, delivery }, verdict } in settlements {
            let known = &mut self.groups[group as usize];
            if !known.is_held(id, delivery, session) {
                known.counts.stale += 1;
                stale += 1;
                continue;
            }
            match verdict {
                Verdict::Ack => {
                    known.counts.acknowledged += 1;
                    self.finish(group, id);
                }
                Verdict::RetryAfter { delay, reason } => {
                    known.counts.retried += 1;
                    let delay_us = u64::try_from(delay.as_micros()).unwrap_or(u64::MAX).min(DELAY_US_MAX);
                    self.put_off(group, id, now_us + delay_us, now_us, cut(reason));
                }
                Verdict::Dead { reason } => self.bury(group, id, now_us, cut(reason), read),
            }
        }
        stale
    }

    /// Begins leases anew; how many were not in these hands any more.
    pub(crate) fn extend(&mut self, group: u32, session: u64, receipts: &[Receipt], now_us: u64) -> u32 {
        let group = &mut self.groups[group as usize];
        let mut stale = 0;
        for Receipt { message, delivery } in receipts {
            if group.is_held(*message, *delivery, session) {
                group.extend(*message, now_us);
            } else {
                stale += 1;
            }
        }
        stale
    }

    /// Gives back what somebody holds.
    pub(crate) fn give_back(&mut self, group: u32, session: u64) {
        for (id, tries) in self.groups[group as usize].give_back(session) {
            self.changes.push(Change::Tried { id, group, tries });
        }
    }

    /// Lets time pass: what is due is ready, and leases that are over count as attempts that failed.
    pub(crate) fn pass(&mut self, now_us: u64) {
        for group in 0..self.groups.len() {
            self.groups[group].wake(now_us);
            while let Some(id) = self.groups[group].overdue(now_us) {
                self.groups[group].counts.expired += 1;
                let id_of_group = u32::try_from(group).expect("groups are numbered with 32 bits");
                self.put_off(id_of_group, id, now_us, now_us, "its lease was over".to_owned());
            }
        }
    }

    /// Gives a letter's message to its group again, as if for the first time.
    pub(crate) fn replay(&mut self, number: u64, group: u32, key: &str, body: Vec<u8>) {
        self.purge(number, group);
        let topic = self.groups[group as usize].topic;
        self.put(MessageRow { topic, only: Some(group), key: key.into(), body: body.into() });
    }

    /// A letter is none any more.
    pub(crate) fn purge(&mut self, number: u64, group: u32) {
        self.letters -= 1;
        self.groups[group as usize].letters -= 1;
        self.changes.push(Change::NoLetter { number });
    }

    fn put_off(&mut self, group: u32, id: u64, not_before_us: u64, now_us: u64, reason: String) {
        let tries = self.groups[group as usize].put_off(id, not_before_us, now_us, reason);
        self.changes.push(Change::Tried { id, group, tries });
    }

    fn bury(&mut self, group: u32, id: u64, now_us: u64, reason: String, read: Read<'_>) {
        let known = &self.groups[group as usize];
        let (topic, name) = (&self.topics[known.topic as usize].name, known.name.clone());
        let Some(message) = read(id, topic, &self.messages[&id].key) else {
            return self.put_off(group, id, now_us, now_us, format!("it could not be put aside: {reason}"));
        };
        let history = known.tries(id).map(|tries| tries.history.clone()).unwrap_or_default();
        let attempts = self.finish(group, id);
        let number = self.next_letter;
        self.next_letter += 1;
        self.letters += 1;
        let known = &mut self.groups[group as usize];
        known.letters += 1;
        known.counts.dead_letters += 1;
        let id = letter_id(number);
        let letter = DeadLetter { id, group: name, message, attempts, reason, at_us: now_us, history };
        self.changes.push(Change::Letter { number, group, letter });
    }

    /// A group has dealt with a message; which attempt it was. When it was the last group, the message is gone.
    fn finish(&mut self, group: u32, id: u64) -> u32 {
        let held = self.messages.get_mut(&id).expect("what is leased is held");
        let (lease, tries) = self.groups[group as usize].finish(id, &held.key);
        if tries.is_some() {
            self.changes.push(Change::NotTried { id, group });
        }
        held.left -= 1;
        if held.left > 0 {
            self.changes.push(Change::Done { id, group });
            return lease.attempt;
        }
        // With only one group to be for, no other one has ever dealt with it.
        if held.only.is_none() {
            for other in self.topics[held.topic as usize].groups.values().filter(|other| **other != group) {
                self.changes.push(Change::NotDone { id, group: *other });
            }
        }
        self.body_bytes -= held.body.as_ref().map_or(0, |body| body.len());
        self.messages.remove(&id);
        self.changes.push(Change::NoMessage { id });
        lease.attempt
    }
}

fn cut(mut reason: String) -> String {
    if reason.len() > REASON_BYTES_MAX {
        let end = (0..=REASON_BYTES_MAX).rev().find(|at| reason.is_char_boundary(*at)).unwrap_or_default();
        reason.truncate(end);
    }
    reason
}
