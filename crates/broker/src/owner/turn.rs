//! One turn of the owner.

use std::collections::{BTreeSet, VecDeque};

use domain::Effect;
use domain::broker::{BrokerError, Lag};
use tokio::sync::oneshot;

use super::job::{Answer, Job, Waiting};
use super::{FETCHES_MAX, Facts, Owner};
use crate::engine::{Incoming, Outgoing};
use crate::mischief::Touched;
use crate::store::Failed;
use crate::wire::{ANSWER_BYTES, Body, Place, Seat, letter_id};

/// What a turn gathers.
#[derive(Debug, Default)]
struct Turn {
    answers: Vec<Answer>,
    /// Letters that are none any more: the file still has them.
    gone: BTreeSet<u64>,
    closed: Option<oneshot::Sender<()>>,
}

impl Owner {
    /// Does what was asked. Returns who is to be told that everything is closed, if that was asked too.
    pub(super) async fn turn(&mut self, jobs: &mut Vec<Job>) -> Option<oneshot::Sender<()>> {
        let mut turn = Turn::default();
        let outcome = match self.recovered().await {
            Ok(()) => {
                jobs.drain(..).for_each(|job| self.act(job, &mut turn));
                self.engine.pass(self.now_us());
                self.written().await
            }
            Err(error) => {
                self.is_hushed |= jobs.iter().any(|job| matches!(job, Job::Hush));
                jobs.drain(..).for_each(|job| refuse(job, &error, &mut turn));
                Err(error)
            }
        };
        for answer in turn.answers {
            answer.give(outcome.as_ref().copied());
        }
        match &outcome {
            Ok(()) => self.hand_out(),
            Err(error) => self.send_away(error),
        }
        self.show();
        turn.closed
    }

    /// Makes what has changed durable.
    async fn written(&mut self) -> Result<(), BrokerError> {
        let changes = self.engine.take_changes();
        if changes.is_empty() {
            return Ok(());
        }
        match self.store.commit(&changes) {
            Ok(()) => {
                self.store.synced().await;
                Ok(())
            }
            Err(Failed { detail, effect }) => {
                let unavailable = self.unavailable(&detail, effect);
                self.fail(detail);
                Err(unavailable)
            }
        }
    }

    fn act(&mut self, job: Job, turn: &mut Turn) {
        let now_us = self.now_us();
        let answer = match job {
            Job::Declare(layouts, reply) => Answer::to_change(reply, self.engine.declare(&layouts)),
            Job::Publish(calls, reply) => {
                let outcomes = calls.into_iter().map(|call| self.take_in(call, now_us)).collect();
                Answer::to_change(reply, Ok(outcomes))
            }
            Job::Subscribe(place, reply) => {
                let number = self.group(&place).map(|_| self.engine.number());
                Answer::to_question(reply, number)
            }
            Job::Fetch(place, waiting) => return self.wait(&place, waiting),
            Job::Settle(seat, calls, reply) => {
                let store = &self.store;
                let read = |id, topic: &str, key: &str| {
                    let body = store.bodies(&[id]).ok()?.pop()?;
                    Body::read(&body)?.message(topic, key)
                };
                let stale = self.engine.group(&seat.topic, &seat.group).map(|group| {
                    let settle = |call| self.engine.settle(group, seat.session, call, now_us, &read);
                    calls.into_iter().map(settle).collect()
                });
                Answer::to_change(reply, stale)
            }
            Job::Extend(seat, receipts, reply) => {
                let stale = self.seated(&seat);
                let stale = stale.map(|group| self.engine.extend(group, seat.session, &receipts, now_us));
                Answer::to_question(reply, stale)
            }
            Job::GiveBack(seat, reply) => {
                let given = self.seated(&seat).map(|group| self.engine.give_back(group, seat.session));
                Answer::to_change(reply, given)
            }
            Job::Lag(place, reply) => {
                let lag: Result<Lag, _> = self.group(&place).map(|group| self.engine.lag(group));
                Answer::to_question(reply, lag)
            }
            Job::Letters(filter, after, limit, reply) => {
                Answer::to_question(reply, self.read(self.store.letters(&filter, after, limit)))
            }
            Job::Letter(number, reply) => {
                Answer::to_question(reply, self.letter(number, turn).map(|(_, letter)| letter))
            }
            Job::Replay(number, reply) => {
                let found = self.letter(number, turn).map(|(group, letter)| {
                    turn.gone.insert(number);
                    let body = crate::wire::encode(&Body::of(&letter.message));
                    self.engine.replay(number, group, &letter.message.key, body);
                });
                Answer::to_change(reply, found)
            }
            Job::Purge(number, reply) => {
                let found = self.letter(number, turn).map(|(group, _)| {
                    turn.gone.insert(number);
                    self.engine.purge(number, group);
                });
                Answer::to_change(reply, found)
            }
            Job::Total(filter, reply) => {
                let groups = self.engine.groups();
                let meant = groups.filter(|(topic, group, ..)| filter.takes(topic, group));
                let total = meant.map(|(_, _, _, letters, _)| letters).sum();
                Answer::to_question(reply, Ok(total))
            }
            Job::Check(reply) => Answer::to_question(reply, Ok(())),
            Job::Hush => {
                self.is_hushed = true;
                return;
            }
            Job::Close(reply) => {
                turn.closed = Some(reply);
                return;
            }
        };
        turn.answers.push(answer);
    }

    /// Takes messages in, all of them or none, as whatever goes wrong on their way leaves them.
    fn take_in(&mut self, messages: Vec<Incoming>, now_us: u64) -> Result<(), BrokerError> {
        let Touched { messages, kept_back, poisoned } = self.hand.touch(messages, now_us);
        let first = self.engine.publish(messages)?;
        for (place, until_us) in kept_back {
            self.engine.keep_back(first + place as u64, until_us, now_us);
        }
        self.hand.note(poisoned);
        Ok(())
    }

    fn group(&self, Place { topic, group }: &Place) -> Result<u32, BrokerError> {
        self.engine.group(topic, group)
    }

    fn seated(&self, Seat { topic, group, .. }: &Seat) -> Result<u32, BrokerError> {
        self.engine.group(topic, group)
    }

    fn read<T>(&self, read: Result<T, redb::Error>) -> Result<T, BrokerError> {
        read.map_err(|error| self.unavailable(&error.to_string(), Effect::None))
    }

    fn letter(&self, number: u64, turn: &Turn) -> Result<(u32, domain::broker::DeadLetter), BrokerError> {
        let there = if turn.gone.contains(&number) { None } else { self.read(self.store.letter(number))? };
        there.ok_or_else(|| BrokerError::NoSuchLetter { id: letter_id(number) })
    }

    /// A fetch waits behind those of its group.
    fn wait(&mut self, place: &Place, waiting: Waiting) {
        let group = match self.group(place) {
            Ok(group) if self.fetches < FETCHES_MAX => group,
            Ok(_) => {
                let full = format!("{FETCHES_MAX} fetches are waiting already");
                return answer(waiting, Err(BrokerError::untouched(full)));
            }
            Err(error) => return answer(waiting, Err(error)),
        };
        self.fetches += 1;
        self.waiting.entry(group).or_default().push_back(waiting);
    }

    /// Gives messages to whoever waits for some, and nothing to whoever has waited long enough.
    fn hand_out(&mut self) {
        let (now, now_us) = (self.node.now(), self.now_us());
        let mut waiting = std::mem::take(&mut self.waiting);
        for (group, fetches) in &mut waiting {
            for fetch in std::mem::take(fetches) {
                if fetch.reply.is_closed() {
                    continue;
                }
                let out = match self.engine.has_ready(*group) {
                    true => self.engine.fetch(*group, &fetch.who, fetch.max, ANSWER_BYTES, now_us),
                    false => Vec::new(),
                };
                if !out.is_empty() {
                    let out = self.with_bodies(out);
                    answer(fetch, out);
                } else if self.is_hushed || fetch.until <= now {
                    answer(fetch, Ok(Vec::new()));
                } else {
                    fetches.push_back(fetch);
                }
            }
        }
        waiting.retain(|_, fetches| !fetches.is_empty());
        self.fetches = waiting.values().map(VecDeque::len).sum();
        self.waiting = waiting;
    }

    /// Reads what is not in memory.
    fn with_bodies(&self, mut out: Vec<Outgoing>) -> Result<Vec<Outgoing>, BrokerError> {
        let ids: Vec<_> = out.iter().filter(|out| out.body.is_none()).map(|out| out.id).collect();
        if ids.is_empty() {
            return Ok(out);
        }
        // What cannot be read stays leased until its lease is over.
        let bodies = self.read(self.store.bodies(&ids))?;
        for (out, body) in out.iter_mut().filter(|out| out.body.is_none()).zip(bodies) {
            out.body = Some(body.into());
        }
        Ok(out)
    }

    /// Tells everybody who waits that nothing will come.
    fn send_away(&mut self, error: &BrokerError) {
        let BrokerError::Unavailable { detail, .. } = error else { return };
        let untouched = BrokerError::untouched(detail.clone());
        for fetch in std::mem::take(&mut self.waiting).into_values().flatten() {
            answer(fetch, Err(untouched.clone()));
        }
        self.fetches = 0;
    }

    fn show(&self) {
        self.facts.show(Facts {
            fetches_waiting: self.fetches as u64,
            trouble: self.trouble.as_ref().map(|trouble| trouble.detail.clone()),
            failures_total: self.failures,
            ..Facts::of(&self.engine)
        });
    }
}

fn answer(fetch: Waiting, result: Result<Vec<Outgoing>, BrokerError>) {
    // Who has gone in this very moment gets them when the leases are over.
    let _gone = fetch.reply.send(result);
}

/// Refuses what cannot be done while nothing can be written.
fn refuse(job: Job, error: &BrokerError, turn: &mut Turn) {
    fn no<T>(reply: super::Reply<T>, error: &BrokerError) {
        let _gone = reply.send(Err(error.clone()));
    }
    match job {
        Job::Declare(_, reply)
        | Job::GiveBack(_, reply)
        | Job::Replay(_, reply)
        | Job::Purge(_, reply)
        | Job::Check(reply) => no(reply, error),
        Job::Publish(_, reply) => no(reply, error),
        Job::Subscribe(_, reply) | Job::Total(_, reply) => no(reply, error),
        Job::Fetch(_, fetch) => answer(fetch, Err(error.clone())),
        Job::Settle(_, _, reply) => no(reply, error),
        Job::Extend(_, _, reply) => no(reply, error),
        Job::Lag(_, reply) => no(reply, error),
        Job::Letters(_, _, _, reply) => no(reply, error),
        Job::Letter(_, reply) => no(reply, error),
        Job::Hush => {}
        Job::Close(reply) => turn.closed = Some(reply),
    }
}
