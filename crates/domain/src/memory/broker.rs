//! A broker in memory: for tests, and as the plainest reading of what the port means.
//!
//! It lives as long as this value and its clones, survives the consumers and publishers that die around it, and loses
//! nothing but with its own process. Unlike the stores beside it it has to wait (for messages, for leases that are over),
//! on tokio's clock. It can be taken away ([`MemoryBroker::set_away`]), as a broker on the network can.

mod group;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use async_trait::async_trait;
use tokio::sync::Notify;
use tokio::time::{Instant, sleep_until};

use self::group::{Group, Now, Taker};
use crate::broker::{
    Broker, BrokerError, Capabilities, Consumer, DeadLetter, DeadLetterFilter, DeadLetters, Delivery, Lag,
    Layout, Ordering, PAYLOAD_BYTES_MAX, Receipt, ReplaysTo, Settlement, Subscription, Survives, Verdict,
};
use crate::outbox::Message;

/// How many dead letters are kept; the oldest go first.
const DEAD_LETTERS_MAX: usize = 100_000;

/// A [`Broker`] in memory. Clones are the same broker.
#[derive(Clone, Debug)]
pub struct MemoryBroker {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    began: Instant,
    state: Mutex<State>,
    changed: Notify,
}

#[derive(Debug, Default)]
struct State {
    is_away: bool,
    topics: BTreeMap<String, Topic>,
    dead: BTreeMap<String, DeadLetter>,
    /// Consumers, deliveries, dead letters and places so far: one count for all.
    count: u64,
}

#[derive(Debug, Default)]
struct Topic {
    groups: BTreeMap<String, Group>,
    /// What not every group has dealt with, with those that have not.
    held: BTreeMap<u64, (Message, BTreeSet<String>)>,
}

impl Default for MemoryBroker {
    fn default() -> Self {
        let shared = Shared { began: Instant::now(), state: Mutex::default(), changed: Notify::new() };
        Self { shared: Arc::new(shared) }
    }
}

impl MemoryBroker {
    /// A broker without topics.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// From now on nobody reaches it, or everybody does again.
    pub fn set_away(&self, is_away: bool) {
        self.state().is_away = is_away;
        self.shared.changed.notify_waiters();
    }

    /// Forgets a topic with everything in it: what somebody may do to a broker by hand.
    pub fn forget(&self, topic: &str) {
        self.state().topics.remove(topic);
        self.shared.changed.notify_waiters();
    }

    fn now(&self) -> Now {
        self.shared.began.elapsed()
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.shared.state.lock().expect("nothing panics while it holds this lock")
    }

    /// The state, where the broker is reached.
    fn reach(&self) -> Result<MutexGuard<'_, State>, BrokerError> {
        let state = self.state();
        if state.is_away { Err(BrokerError::untouched("it is away")) } else { Ok(state) }
    }
}

impl State {
    fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    fn group(&mut self, topic: &str, group: &str) -> Result<&mut Group, BrokerError> {
        let no_topic = || BrokerError::NoSuchTopic { topic: topic.to_owned() };
        let no_group = || BrokerError::NoSuchGroup { topic: topic.to_owned(), group: group.to_owned() };
        let topic = self.topics.get_mut(topic).ok_or_else(no_topic)?;
        topic.groups.get_mut(group).ok_or_else(no_group)
    }

    /// A group has done with a message: nobody holds it any longer for its sake.
    fn let_go(&mut self, topic: &str, group: &str, place: u64) {
        let Some(topic) = self.topics.get_mut(topic) else { return };
        let Some((_, groups)) = topic.held.get_mut(&place) else { return };
        groups.remove(group);
        if groups.is_empty() {
            topic.held.remove(&place);
        }
    }
}

#[async_trait]
impl Broker for MemoryBroker {
    fn capabilities(&self) -> Capabilities {
        Capabilities {
            name: "memory",
            order: Ordering::PerKey,
            survives: Survives::ProcessDeath,
            deduplicates_for: None,
            parallelism_max: None,
            lag_is_exact: true,
            replays_to: ReplaysTo::Group,
            payload_bytes_max: PAYLOAD_BYTES_MAX,
        }
    }

    async fn declare(&self, layout: &[Layout]) -> Result<(), BrokerError> {
        let mut state = self.reach()?;
        let names = layout.iter().flat_map(|layout| layout.groups.iter().chain([&layout.topic]));
        let fits = |name: &str| {
            !name.is_empty()
                && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-')
        };
        if let Some(name) = names.into_iter().find(|name| !fits(name)) {
            return Err(BrokerError::BadName { name: name.clone() });
        }
        for Layout { topic, groups } in layout {
            let topic = state.topics.entry(topic.clone()).or_default();
            for name in groups {
                if topic.groups.contains_key(name) {
                    continue;
                }
                let mut group = Group::default();
                for (place, (message, waited_for)) in &mut topic.held {
                    group.put(*place, message.clone());
                    waited_for.insert(name.clone());
                }
                topic.groups.insert(name.clone(), group);
            }
        }
        Ok(())
    }

    async fn publish(&self, messages: Vec<Message>) -> Result<(), BrokerError> {
        let mut state = self.reach()?;
        if let Some(message) = messages.iter().find(|message| !state.topics.contains_key(&message.topic)) {
            return Err(BrokerError::NoSuchTopic { topic: message.topic.clone() });
        }
        let too_large = |message: &&Message| message.payload.len() > PAYLOAD_BYTES_MAX;
        if let Some(message) = messages.iter().find(too_large) {
            let bytes = message.payload.len();
            return Err(BrokerError::TooLarge { bytes, bytes_max: PAYLOAD_BYTES_MAX });
        }
        for message in messages {
            let place = state.next();
            let topic = state.topics.get_mut(&message.topic).expect("looked for above");
            for group in topic.groups.values_mut() {
                group.put(place, message.clone());
            }
            topic.held.insert(place, (message, topic.groups.keys().cloned().collect()));
        }
        drop(state);
        self.shared.changed.notify_waiters();
        Ok(())
    }

    async fn subscribe(&self, subscription: Subscription) -> Result<Box<dyn Consumer>, BrokerError> {
        let mut state = self.reach()?;
        state.group(&subscription.topic, &subscription.group)?;
        let id = state.next();
        Ok(Box::new(MemoryConsumer { broker: self.clone(), id, subscription }))
    }

    async fn lag(&self, topic: &str, group: &str) -> Result<Lag, BrokerError> {
        let now = self.now();
        let mut state = self.reach()?;
        let lag = state.group(topic, group)?.lag(now);
        let is_its = |letter: &&DeadLetter| letter.message.topic == topic && letter.group == group;
        let letters = state.dead.values().filter(is_its).count() as u64;
        Ok(Lag { dead_letters: Some(letters), ..lag })
    }

    async fn check(&self) -> Result<(), BrokerError> {
        self.reach().map(drop)
    }
}

/// One consumer of a group.
#[derive(Debug)]
struct MemoryConsumer {
    broker: MemoryBroker,
    id: u64,
    subscription: Subscription,
}

impl MemoryConsumer {
    fn take(&self, max: usize) -> Result<(Vec<Delivery>, Option<Now>), BrokerError> {
        let Subscription { topic, group, consumer, lease, in_flight_max } = &self.subscription;
        let now = self.broker.now();
        let mut state = self.broker.reach()?;
        let State { topics, count, .. } = &mut *state;
        let no_topic = || BrokerError::NoSuchTopic { topic: topic.clone() };
        let no_group = || BrokerError::NoSuchGroup { topic: topic.clone(), group: group.clone() };
        let group = topics.get_mut(topic).ok_or_else(no_topic)?.groups.get_mut(group).ok_or_else(no_group)?;
        let room = in_flight_max.saturating_sub(group.held_by(self.id, now));
        let taker = Taker { consumer: self.id, name: consumer.clone(), lease: *lease };
        let deliveries = group.take(&taker, max.min(room), now, || {
            *count += 1;
            *count
        });
        Ok((deliveries, group.next_due()))
    }

    /// Does the same to each of these, and counts those that were not this consumer's any more.
    fn each<T>(
        &self,
        of: impl IntoIterator<Item = T>,
        mut act: impl FnMut(&mut State, &Subscription, Now, T) -> Result<Option<()>, BrokerError>,
    ) -> Result<usize, BrokerError> {
        let now = self.broker.now();
        let mut lost = 0;
        {
            let mut state = self.broker.reach()?;
            for one in of {
                lost += usize::from(act(&mut state, &self.subscription, now, one)?.is_none());
            }
        }
        self.broker.shared.changed.notify_waiters();
        Ok(lost)
    }
}

#[async_trait]
impl Consumer for MemoryConsumer {
    async fn fetch(&self, max: usize, wait: Duration) -> Result<Vec<Delivery>, BrokerError> {
        let until = Instant::now() + wait;
        loop {
            let changed = self.broker.shared.changed.notified();
            let (deliveries, due) = self.take(max)?;
            if !deliveries.is_empty() || Instant::now() >= until {
                return Ok(deliveries);
            }
            let due = due.map_or(until, |due| until.min(self.broker.shared.began + due));
            tokio::select! {
                biased;
                () = changed => {}
                () = sleep_until(due) => {}
            }
        }
    }

    async fn settle(&self, settlements: Vec<Settlement>) -> Result<usize, BrokerError> {
        self.each(settlements, |state, subscription, now, Settlement { receipt, verdict }| {
            let Subscription { topic, group: name, .. } = subscription;
            let group = state.group(topic, name)?;
            let reason = match verdict {
                Verdict::RetryAfter { delay, reason } => return Ok(group.retry(receipt, delay, reason, now)),
                Verdict::Ack => None,
                Verdict::Dead { reason } => Some(reason),
            };
            let Some(done) = group.finish(receipt, now) else { return Ok(None) };
            state.let_go(topic, name, done.place);
            if let Some(reason) = reason {
                let id = format!("{:012}", state.next());
                let letter = DeadLetter {
                    id: id.clone(),
                    group: name.clone(),
                    message: done.message,
                    attempts: done.attempts,
                    reason,
                    at_us: u64::try_from(now.as_micros()).unwrap_or(u64::MAX),
                    history: done.history,
                };
                state.dead.insert(id, letter);
                if state.dead.len() > DEAD_LETTERS_MAX {
                    state.dead.pop_first();
                }
            }
            Ok(Some(()))
        })
    }

    async fn extend(&self, receipts: &[Receipt]) -> Result<usize, BrokerError> {
        self.each(receipts, |state, subscription, now, receipt| {
            let group = state.group(&subscription.topic, &subscription.group)?;
            Ok(group.extend(*receipt, subscription.lease, now))
        })
    }

    async fn close(&self) {
        let now = self.broker.now();
        if let Ok(mut state) = self.broker.reach()
            && let Ok(group) = state.group(&self.subscription.topic, &self.subscription.group)
        {
            group.release(self.id, now);
        }
        self.broker.shared.changed.notify_waiters();
    }
}

#[async_trait]
impl DeadLetters for MemoryBroker {
    async fn list(
        &self,
        filter: &DeadLetterFilter,
        after: &str,
        limit: usize,
    ) -> Result<Vec<DeadLetter>, BrokerError> {
        let state = self.reach()?;
        let letters = state.dead.values().filter(|letter| letter.id.as_str() > after);
        let meant = letters.filter(|letter| filter.takes(&letter.message.topic, &letter.group));
        Ok(meant.take(limit).cloned().collect())
    }

    async fn show(&self, id: &str) -> Result<DeadLetter, BrokerError> {
        let letter = self.reach()?.dead.get(id).cloned();
        letter.ok_or_else(|| BrokerError::NoSuchLetter { id: id.to_owned() })
    }

    async fn replay(&self, id: &str) -> Result<(), BrokerError> {
        let letter = self.show(id).await?;
        {
            let mut state = self.reach()?;
            let place = state.next();
            state.group(&letter.message.topic, &letter.group)?.put(place, letter.message);
            state.dead.remove(id);
        }
        self.shared.changed.notify_waiters();
        Ok(())
    }

    async fn purge(&self, id: &str) -> Result<(), BrokerError> {
        let purged = self.reach()?.dead.remove(id);
        purged.map(drop).ok_or_else(|| BrokerError::NoSuchLetter { id: id.to_owned() })
    }

    async fn total(&self, filter: &DeadLetterFilter) -> Result<u64, BrokerError> {
        let state = self.reach()?;
        let meant = |letter: &&DeadLetter| filter.takes(&letter.message.topic, &letter.group);
        Ok(state.dead.values().filter(meant).count() as u64)
    }
}

#[cfg(test)]
mod tests;
