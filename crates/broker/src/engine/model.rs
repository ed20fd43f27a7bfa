//! The engine against a model that is too simple to be wrong: lists, searched from the beginning. And after any restart
//! the engine that its rows make is the one that the model expects.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use domain::broker::{DeadLetter, Lag, Layout, Receipt, Settlement, Verdict};
use domain::{EventId, Message};
use proptest::prelude::*;

use super::{Change, Engine, Incoming, Limits, MessageRow, Rows, Who};

pub(super) const LIMITS: Limits = Limits { messages_max: 1_000, body_bytes_max: 40 };
pub(super) const LEASE_US: u64 = 10;

/// The rows, as a disk would have them.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Kept {
    rows: Rows,
    pub(super) messages: BTreeMap<u64, MessageRow>,
    pub(super) letters: BTreeMap<u64, (u32, DeadLetter)>,
    epoch: u32,
}

impl Kept {
    pub(super) fn take(&mut self, changes: Vec<Change>) {
        for change in changes {
            match change {
                Change::Topic { id, name } => assert_eq!(self.rows.topics.insert(id, name), None),
                Change::Group { id, topic, name } => {
                    assert_eq!(self.rows.groups.insert(id, (topic, name)), None);
                }
                Change::Message { id, row } => assert_eq!(self.messages.insert(id, row), None),
                Change::NoMessage { id } => assert!(self.messages.remove(&id).is_some()),
                Change::Done { id, group } => assert!(self.rows.done.insert((id, group))),
                Change::NotDone { id, group } => assert!(self.rows.done.remove(&(id, group))),
                Change::Tried { id, group, tries } => {
                    self.rows.tries.insert((id, group), tries);
                }
                Change::NotTried { id, group } => assert!(self.rows.tries.remove(&(id, group)).is_some()),
                Change::Letter { number, group, letter } => {
                    self.rows.last_letter = self.rows.last_letter.max(number);
                    *self.rows.letters.entry(group).or_default() += 1;
                    assert_eq!(self.letters.insert(number, (group, letter)), None);
                }
                Change::NoLetter { number } => {
                    let (group, _) = self.letters.remove(&number).expect("it was there");
                    *self.rows.letters.get_mut(&group).expect("it was counted") -= 1;
                }
            }
        }
        let orphans = self.rows.done.iter().chain(self.rows.tries.keys());
        let orphans: Vec<_> = orphans.filter(|(id, _)| !self.messages.contains_key(id)).collect();
        assert_eq!(orphans, [&(0, 0); 0], "rows of messages that are gone");
    }

    pub(super) fn engine(&mut self, now_us: u64) -> Engine {
        self.epoch += 1;
        let messages = self.messages.clone().into_iter().map(Ok::<_, Infallible>);
        let Ok(engine) = Engine::restored(LIMITS, self.epoch, self.rows.clone(), messages, now_us);
        engine
    }

    /// What a message says.
    pub(super) fn read(&self, id: u64, topic: &str, key: &str) -> Option<Message> {
        let payload = self.messages.get(&id)?.body.to_vec();
        let event_id = EventId::new("e").expect("a valid id");
        Some(Message { event_id, topic: topic.to_owned(), key: key.to_owned(), payload, at_us: 0 })
    }
}

pub(super) fn who(session: u64, in_flight_max: usize) -> Who {
    Who { session, consumer: format!("c-{session}").into(), lease_us: LEASE_US, in_flight_max }
}

/// A message of one group, in the model.
#[derive(Clone, Debug)]
struct Pending {
    key: u8,
    says: u32,
    attempts: u32,
    not_before_us: u64,
    held: Option<(Receipt, u64, u64)>,
}

#[derive(Clone, Debug)]
enum Deed {
    Publish { topic: usize, key: u8 },
    Fetch { group: usize, session: u64, max: usize },
    Settle { nth: usize, late: bool, verdict: u8, delay_us: u64 },
    Extend { nth: usize },
    Close { group: usize, session: u64 },
    Letter { nth: usize, replay: bool },
    Wait { us: u64 },
    Late,
    Restart,
}

fn deed() -> impl Strategy<Value = Deed> {
    prop_oneof![
        5 => (0..2_usize, 0..3_u8).prop_map(|(topic, key)| Deed::Publish { topic, key }),
        5 => (0..4_usize, 1..4_u64, 1..4_usize)
            .prop_map(|(group, session, max)| Deed::Fetch { group, session, max }),
        6 => (0..8_usize, prop::bool::weighted(0.1), 0..4_u8, 0..30_u64)
            .prop_map(|(nth, late, verdict, delay_us)| Deed::Settle { nth, late, verdict, delay_us }),
        1 => (0..8_usize).prop_map(|nth| Deed::Extend { nth }),
        1 => (0..4_usize, 1..4_u64).prop_map(|(group, session)| Deed::Close { group, session }),
        1 => (0..4_usize, any::<bool>()).prop_map(|(nth, replay)| Deed::Letter { nth, replay }),
        2 => (0..25_u64).prop_map(|us| Deed::Wait { us }),
        1 => Just(Deed::Late),
        1 => Just(Deed::Restart),
    ]
}

/// The groups: the last one comes late.
const GROUPS: [(&str, &str); 4] = [("t0", "a"), ("t0", "b"), ("t1", "a"), ("t1", "late")];
const HELD_MAX: usize = 2;

struct Both {
    kept: Kept,
    engine: Engine,
    model: Vec<Vec<Pending>>,
    is_late_there: bool,
    /// Everything that was ever given out: group, session, receipt.
    given: Vec<(usize, u64, Receipt)>,
    now_us: u64,
    says: u32,
}

impl Both {
    fn new() -> Self {
        let mut kept = Kept::default();
        let mut engine = kept.engine(0);
        let layouts = [Layout::new("t0", &["a", "b"]), Layout::new("t1", &["a"])];
        engine.declare(&layouts).expect("valid");
        kept.take(engine.take_changes());
        let model = vec![Vec::new(); GROUPS.len()];
        Self { kept, engine, model, is_late_there: false, given: Vec::new(), now_us: 1_000, says: 0 }
    }

    fn is_there(&self, group: usize) -> bool {
        group < 3 || self.is_late_there
    }

    fn group(&self, group: usize) -> u32 {
        self.engine.group(GROUPS[group].0, GROUPS[group].1).expect("declared")
    }

    /// Lets time pass in both.
    fn pass(&mut self) {
        self.engine.pass(self.now_us);
        for pending in self.model.iter_mut().flatten() {
            if pending.held.is_some_and(|(_, _, until_us)| until_us <= self.now_us) {
                pending.held = None;
                pending.attempts += 1;
                pending.not_before_us = 0;
            }
        }
    }

    fn publish(&mut self, topic: usize, key: u8) {
        self.says += 1;
        let name = format!("t{topic}");
        let message = Incoming {
            topic: name.clone(),
            key: format!("k{key}").into(),
            body: Arc::from(self.says.to_le_bytes()),
        };
        self.engine.publish(vec![message]).expect("declared");
        for (group, (of_topic, _)) in GROUPS.iter().enumerate() {
            if *of_topic == name && self.is_there(group) {
                self.model[group].push(Pending {
                    key,
                    says: self.says,
                    attempts: 0,
                    not_before_us: 0,
                    held: None,
                });
            }
        }
    }

    fn fetch(&mut self, group: usize, session: u64, max: usize) {
        let out = self.engine.fetch(self.group(group), &who(session, HELD_MAX), max, usize::MAX, self.now_us);
        for outgoing in &out {
            let pending = &self.model[group];
            let held = pending.iter().filter(|p| p.held.is_some_and(|(_, by, _)| by == session)).count();
            assert!(held < HELD_MAX, "more than it may hold");
            let next = next_of(pending, self.now_us).expect("the model has one too");
            let pending = &mut self.model[group][next];
            let body = &self.kept.messages[&outgoing.id].body;
            assert_eq!(body[..], pending.says.to_le_bytes());
            assert!(outgoing.body.as_ref().is_none_or(|kept| kept == body));
            assert_eq!(
                (outgoing.attempt, &*outgoing.key),
                (pending.attempts + 1, &*format!("k{}", pending.key))
            );
            let receipt = Receipt { message: outgoing.id, delivery: outgoing.delivery };
            assert!(
                self.given.iter().all(|(_, _, given)| given.delivery != receipt.delivery),
                "a new number"
            );
            pending.held = Some((receipt, session, self.now_us + LEASE_US));
            self.given.push((group, session, receipt));
        }
        let held =
            self.model[group].iter().filter(|p| p.held.is_some_and(|(_, by, _)| by == session)).count();
        let stopped = out.len() == max || held == HELD_MAX;
        assert!(stopped || next_of(&self.model[group], self.now_us).is_none(), "one was left");
    }

    fn settle(&mut self, nth: usize, late: bool, verdict: u8, delay_us: u64) {
        // Something old, or one of the last few.
        let nth = if late { nth } else { self.given.len().saturating_sub(1 + nth) };
        let Some((group, session, receipt)) = self.given.get(nth).copied() else { return };
        let at = self.model[group].iter().position(|p| p.held.is_some_and(|(held, _, _)| held == receipt));
        let delay = Duration::from_micros(delay_us);
        let verdict = match verdict {
            0 | 1 => Verdict::Ack,
            2 => Verdict::RetryAfter { delay, reason: "r".to_owned() },
            _ => Verdict::Dead { reason: "d".to_owned() },
        };
        let (id, settlements) = (self.group(group), vec![Settlement { receipt, verdict: verdict.clone() }]);
        let read = |id, topic: &str, key: &str| self.kept.read(id, topic, key);
        let stale = self.engine.settle(id, session, settlements, self.now_us, &read);
        assert_eq!(stale, u32::from(at.is_none()));
        let Some(at) = at else { return };
        if let Verdict::RetryAfter { .. } = verdict {
            let pending = &mut self.model[group][at];
            pending.held = None;
            pending.attempts += 1;
            pending.not_before_us = self.now_us + delay_us;
        } else {
            self.model[group].remove(at);
        }
    }

    fn extend(&mut self, nth: usize) {
        let nth = self.given.len().saturating_sub(1 + nth);
        let Some((group, session, receipt)) = self.given.get(nth).copied() else { return };
        let stale = self.engine.extend(self.group(group), session, &[receipt], self.now_us);
        let held = self.model[group].iter_mut().filter_map(|p| p.held.as_mut());
        let held: Vec<_> = held.filter(|(held, _, _)| *held == receipt).collect();
        assert_eq!(stale as usize, 1 - held.len());
        for (_, _, until_us) in held {
            *until_us = self.now_us + LEASE_US;
        }
    }

    fn close(&mut self, group: usize, session: u64) {
        self.engine.give_back(self.group(group), session);
        for pending in &mut self.model[group] {
            if pending.held.is_some_and(|(_, by, _)| by == session) {
                pending.held = None;
                pending.attempts += 1;
                pending.not_before_us = 0;
            }
        }
    }

    fn letter(&mut self, nth: usize, replay: bool) {
        let Some((number, (id, letter))) = self.kept.letters.clone().into_iter().nth(nth) else { return };
        if !replay {
            return self.engine.purge(number, id);
        }
        let group = (0..GROUPS.len()).find(|group| self.is_there(*group) && self.group(*group) == id);
        self.engine.replay(number, id, &letter.message.key, letter.message.payload.clone());
        let says = u32::from_le_bytes(letter.message.payload[..].try_into().expect("four bytes"));
        let key = letter.message.key[1..].parse().expect("a number");
        self.model[group.expect("a group")].push(Pending {
            key,
            says,
            attempts: 0,
            not_before_us: 0,
            held: None,
        });
    }

    fn late(&mut self) {
        self.engine.declare(&[Layout::new("t1", &["a", "late"])]).expect("valid");
        if !std::mem::replace(&mut self.is_late_there, true) {
            // What another group's letter was replayed as is not for this one.
            let held = self.kept.messages.values().filter(|row| row.topic == 1 && row.only.is_none());
            self.model[3] = held
                .map(|row| Pending {
                    key: row.key[1..].parse().expect("a number"),
                    says: u32::from_le_bytes(row.body[..].try_into().expect("four bytes")),
                    attempts: 0,
                    not_before_us: 0,
                    held: None,
                })
                .collect();
        }
    }

    fn act(&mut self, deed: &Deed) {
        match *deed {
            Deed::Publish { topic, key } => self.publish(topic, key),
            Deed::Fetch { group, session, max } if self.is_there(group) => self.fetch(group, session, max),
            Deed::Settle { nth, late, verdict, delay_us } => self.settle(nth, late, verdict, delay_us),
            Deed::Extend { nth } => self.extend(nth),
            Deed::Close { group, session } if self.is_there(group) => self.close(group, session),
            Deed::Letter { nth, replay } => self.letter(nth, replay),
            Deed::Wait { us } => self.now_us += us,
            Deed::Late => self.late(),
            Deed::Restart => {
                self.engine = self.kept.engine(self.now_us);
                self.model.iter_mut().flatten().for_each(|pending| pending.held = None);
            }
            Deed::Fetch { .. } | Deed::Close { .. } => {}
        }
        self.pass();
        self.kept.take(self.engine.take_changes());
        for group in (0..GROUPS.len()).filter(|group| self.is_there(*group)) {
            let pending = &self.model[group];
            let in_flight = pending.iter().filter(|pending| pending.held.is_some()).count() as u64;
            let id = self.group(group);
            let letters = self.kept.letters.values().filter(|(of, _)| *of == id).count() as u64;
            let waiting = pending.len() as u64 - in_flight;
            let lag = Lag { waiting, in_flight, dead_letters: Some(letters) };
            assert_eq!(self.engine.lag(id), lag, "{:?}", GROUPS[group]);
        }
        let in_memory: usize = self.engine.held().1 as usize;
        assert!(
            in_memory <= LIMITS.body_bytes_max && self.engine.held().0 == self.kept.messages.len() as u64
        );
    }
}

/// The next message that may be given out, in the order of their publishing.
fn next_of(pending: &[Pending], now_us: u64) -> Option<usize> {
    (0..pending.len()).find(|at| {
        let this = &pending[*at];
        let is_head = pending[..*at].iter().all(|before| before.key != this.key);
        is_head && this.held.is_none() && this.not_before_us <= now_us
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]
    #[test]
    fn does_what_the_model_does(deeds in prop::collection::vec(deed(), 1..120)) {
        let mut both = Both::new();
        for deed in &deeds {
            both.act(deed);
        }
    }
}
