//! What the broker knows: topics, groups, messages, and who holds which. Pure: time is handed in, and nothing is
//! written here; whatever has to outlive the process is told as [`Change`]s, and [`Engine::restored`] makes the same of
//! their rows.
//!
//! A message is held until every group of its topic has dealt with it. Its body is kept in memory as long as all bodies
//! together are below a bound; beyond that it is read from the disk when it is given out.
//!
//! # Invariants
//! * Of one key, a group has at most one message in flight, and the others behind it in the order of their publishing.
//! * A delivery is one lease: what is said about it after the lease is over, or by anybody else, changes nothing.
//! * Numbers of messages, deliveries and sessions are never given twice, also not by the next process: each begins an epoch.
//! * Leases are in memory only. What a dead process had given out is given out again.
//!
//! Times are µs of the node's timeline.

mod change;
mod group;
mod settle;

use std::collections::BTreeMap;
use std::sync::Arc;

use domain::broker::{BrokerError, Lag, Layout};

use self::change::Tries;
pub(crate) use self::change::{Change, MessageRow, Rows};
use self::group::Group;
pub(crate) use self::group::{Counts, Who};
pub(crate) use self::settle::DELAY_US_MAX;

/// How long the name of a topic or of a group may be.
const NAME_BYTES_MAX: usize = 64;
/// How many groups there may be, over all topics.
pub(crate) const GROUPS_MAX: usize = 1_024;
/// How many topics there may be.
pub(crate) const TOPICS_MAX: usize = 1_024;

/// What an engine may hold.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Messages and dead letters.
    pub(crate) messages_max: usize,
    /// Bytes of bodies in memory.
    pub(crate) body_bytes_max: usize,
}

/// A message on its way in.
#[derive(Clone, Debug)]
pub(crate) struct Incoming {
    pub(crate) topic: String,
    pub(crate) key: Arc<str>,
    pub(crate) body: Arc<[u8]>,
}

/// A message on its way out.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Outgoing {
    pub(crate) id: u64,
    pub(crate) delivery: u64,
    pub(crate) attempt: u32,
    pub(crate) key: Arc<str>,
    /// `None` when it has to be read from the disk.
    pub(crate) body: Option<Arc<[u8]>>,
}

#[derive(Debug)]
struct Topic {
    name: String,
    groups: BTreeMap<String, u32>,
    published: u64,
}

/// A message that some group has not dealt with.
#[derive(Debug)]
struct Held {
    topic: u32,
    only: Option<u32>,
    key: Arc<str>,
    body: Option<Arc<[u8]>>,
    /// How many groups have not.
    left: u32,
}

/// The state of a broker.
#[derive(Debug)]
pub(crate) struct Engine {
    limits: Limits,
    topics: Vec<Topic>,
    names: BTreeMap<String, u32>,
    groups: Vec<Group>,
    messages: BTreeMap<u64, Held>,
    body_bytes: usize,
    letters: u64,
    next_message: u64,
    next_letter: u64,
    next_number: u64,
    changes: Vec<Change>,
}

impl Engine {
    /// Makes an engine of what is durable; the rows of messages one after the other, by id.
    pub(crate) fn restored<E>(
        limits: Limits,
        epoch: u32,
        rows: Rows,
        messages: impl Iterator<Item = Result<(u64, MessageRow), E>>,
        now_us: u64,
    ) -> Result<Self, E> {
        let mut engine = Self {
            limits,
            topics: Vec::new(),
            names: BTreeMap::new(),
            groups: Vec::new(),
            messages: BTreeMap::new(),
            body_bytes: 0,
            letters: rows.letters.values().sum(),
            next_message: first_of(epoch),
            next_letter: rows.last_letter + 1,
            next_number: first_of(epoch),
            changes: Vec::new(),
        };
        for (_, name) in rows.topics {
            engine.add_topic(name);
        }
        for (id, (topic, name)) in rows.groups {
            engine.add_group(topic, name);
            engine.groups[id as usize].letters = rows.letters.get(&id).copied().unwrap_or_default();
        }
        for row in messages {
            let (id, row) = row?;
            engine.next_message = engine.next_message.max(id + 1);
            engine.hold(id, row, |group| !rows.done.contains(&(id, group)));
        }
        for ((id, group), tries) in rows.tries {
            engine.groups[group as usize].remember(id, tries, now_us);
        }
        Ok(engine)
    }

    /// What has to become durable since this was asked before.
    pub(crate) fn take_changes(&mut self) -> Vec<Change> {
        std::mem::take(&mut self.changes)
    }

    /// Makes sure that topics and groups are there: all of them, or none.
    pub(crate) fn declare(&mut self, layouts: &[Layout]) -> Result<(), BrokerError> {
        let names = layouts.iter().flat_map(|layout| std::iter::once(&layout.topic).chain(&layout.groups));
        if let Some(bad) = names.into_iter().find(|name| !is_name(name)) {
            return Err(BrokerError::BadName { name: bad.clone() });
        }
        let groups: usize = layouts.iter().map(|layout| layout.groups.len()).sum();
        if self.topics.len() + layouts.len() > TOPICS_MAX
            && layouts.iter().any(|l| !self.names.contains_key(&l.topic))
        {
            return Err(BrokerError::untouched(format!("more than {TOPICS_MAX} topics are declared")));
        }
        if self.groups.len() + groups > GROUPS_MAX && layouts.iter().any(|layout| self.lacks(layout)) {
            return Err(BrokerError::untouched(format!("more than {GROUPS_MAX} groups are declared")));
        }
        for Layout { topic: name, groups } in layouts {
            let topic = match self.names.get(name) {
                Some(topic) => *topic,
                None => {
                    let id = self.add_topic(name.clone());
                    self.changes.push(Change::Topic { id, name: name.clone() });
                    id
                }
            };
            for name in groups {
                if !self.topics[topic as usize].groups.contains_key(name) {
                    let id = self.add_late_group(topic, name.clone());
                    self.changes.push(Change::Group { id, topic, name: name.clone() });
                }
            }
        }
        Ok(())
    }

    /// Takes messages, all of them or none. Returns the id of the first; the others have the ids after it.
    pub(crate) fn publish(&mut self, messages: Vec<Incoming>) -> Result<u64, BrokerError> {
        let first = self.next_message;
        let unknown = messages.iter().find(|message| !self.names.contains_key(&message.topic));
        if let Some(Incoming { topic, .. }) = unknown {
            return Err(BrokerError::NoSuchTopic { topic: topic.clone() });
        }
        let room = self.limits.messages_max.saturating_sub(self.messages.len() + self.letters as usize);
        if messages.len() > room {
            let max = self.limits.messages_max;
            return Err(BrokerError::untouched(format!(
                "it is full: {max} messages and dead letters at most"
            )));
        }
        for Incoming { topic, key, body } in messages {
            let topic = self.names[&topic];
            self.topics[topic as usize].published += 1;
            self.put(MessageRow { topic, only: None, key, body });
        }
        Ok(first)
    }

    /// Keeps a new message back, in every group in which nothing of its key is before it. Not beyond a restart.
    pub(crate) fn keep_back(&mut self, id: u64, until_us: u64, now_us: u64) {
        let Some(held) = self.messages.get(&id) else { return };
        for group in self.topics[held.topic as usize].groups.values() {
            let tries = Tries { not_before_us: until_us, ..Tries::default() };
            self.groups[*group as usize].remember(id, tries, now_us);
        }
    }

    /// The group of a name.
    pub(crate) fn group(&self, topic: &str, group: &str) -> Result<u32, BrokerError> {
        let Some(id) = self.names.get(topic) else {
            return Err(BrokerError::NoSuchTopic { topic: topic.to_owned() });
        };
        self.topics[*id as usize]
            .groups
            .get(group)
            .copied()
            .ok_or_else(|| BrokerError::NoSuchGroup { topic: topic.to_owned(), group: group.to_owned() })
    }

    /// A number that nobody has and nobody will be given.
    pub(crate) fn number(&mut self) -> u64 {
        self.next_number += 1;
        self.next_number
    }

    /// Whether a group has anything to give out.
    pub(crate) fn has_ready(&self, group: u32) -> bool {
        self.groups[group as usize].has_ready()
    }

    /// Gives out the next messages of a group: as many as asked for, as may be held, and as fit in so many bytes; one
    /// at least, if there is any.
    pub(crate) fn fetch(
        &mut self,
        group: u32,
        who: &Who,
        max: usize,
        bytes_max: usize,
        now_us: u64,
    ) -> Vec<Outgoing> {
        let (mut out, mut bytes) = (Vec::new(), 0);
        while out.len() < max && bytes < bytes_max {
            let delivery = self.next_number + 1;
            let Some((id, attempt)) = self.groups[group as usize].lease(who, delivery, now_us) else { break };
            self.next_number = delivery;
            let held = &self.messages[&id];
            let (key, body) = (Arc::clone(&held.key), held.body.clone());
            // What is not in memory is taken as if it were large.
            bytes += key.len() + body.as_ref().map_or(domain::broker::PAYLOAD_BYTES_MAX, |body| body.len());
            out.push(Outgoing { id, delivery, attempt, key, body });
        }
        out
    }

    /// What a group has not dealt with.
    pub(crate) fn lag(&self, group: u32) -> Lag {
        self.groups[group as usize].lag()
    }

    /// When something happens by itself next.
    pub(crate) fn next_due_us(&self) -> Option<u64> {
        self.groups.iter().filter_map(Group::next_due_us).min()
    }

    /// The topics with how many messages were published since this process began, by name.
    pub(crate) fn topics(&self) -> impl Iterator<Item = (&str, u64)> {
        self.names
            .values()
            .map(|id| &self.topics[*id as usize])
            .map(|topic| (topic.name.as_str(), topic.published))
    }

    /// The groups, by their topics' names and their own: topic, group, lag, letters, counts.
    pub(crate) fn groups(&self) -> impl Iterator<Item = (&str, &str, Lag, u64, Counts)> {
        let of_topic = |id: &u32| {
            let topic = &self.topics[*id as usize];
            topic.groups.values().map(|group| {
                let group = &self.groups[*group as usize];
                (topic.name.as_str(), group.name.as_str(), group.lag(), group.letters, group.counts)
            })
        };
        self.names.values().flat_map(of_topic)
    }

    /// How many messages are held, and how many bytes of them are in memory.
    pub(crate) fn held(&self) -> (u64, u64) {
        (self.messages.len() as u64, self.body_bytes as u64)
    }

    fn lacks(&self, layout: &Layout) -> bool {
        let known = self.names.get(&layout.topic).map(|topic| &self.topics[*topic as usize].groups);
        layout.groups.iter().any(|group| !known.is_some_and(|known| known.contains_key(group)))
    }

    fn add_topic(&mut self, name: String) -> u32 {
        let id = u32::try_from(self.topics.len()).expect("fewer topics than that are allowed");
        self.names.insert(name.clone(), id);
        self.topics.push(Topic { name, groups: BTreeMap::new(), published: 0 });
        id
    }

    fn add_group(&mut self, topic: u32, name: String) -> u32 {
        let id = u32::try_from(self.groups.len()).expect("fewer groups than that are allowed");
        self.topics[topic as usize].groups.insert(name.clone(), id);
        self.groups.push(Group::new(topic, name));
        id
    }

    /// A group that gets what its topic still holds.
    fn add_late_group(&mut self, topic: u32, name: String) -> u32 {
        let id = self.add_group(topic, name);
        for (message, held) in &mut self.messages {
            if held.topic == topic && held.only.is_none() {
                held.left += 1;
                self.groups[id as usize].enqueue(*message, &held.key);
            }
        }
        id
    }

    /// A new message.
    fn put(&mut self, row: MessageRow) {
        let id = self.next_message;
        self.next_message += 1;
        self.changes.push(Change::Message { id, row: row.clone() });
        self.hold(id, row, |_| true);
    }

    /// Holds a message for those groups that want it.
    fn hold(&mut self, id: u64, row: MessageRow, wants: impl Fn(u32) -> bool) {
        let MessageRow { topic, only, key, body } = row;
        let mut left = 0;
        for group in self.topics[topic as usize].groups.values() {
            if only.is_none_or(|only| only == *group) && wants(*group) {
                self.groups[*group as usize].enqueue(id, &key);
                left += 1;
            }
        }
        let fits = self.body_bytes + body.len() <= self.limits.body_bytes_max;
        let body = fits.then_some(body);
        self.body_bytes += body.as_ref().map_or(0, |body| body.len());
        self.messages.insert(id, Held { topic, only, key, body, left });
    }
}

/// The first number of an epoch: above all numbers of those before.
fn first_of(epoch: u32) -> u64 {
    u64::from(epoch) << 36
}

fn is_name(name: &str) -> bool {
    let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    (1..=NAME_BYTES_MAX).contains(&name.len()) && name.bytes().all(allowed)
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
