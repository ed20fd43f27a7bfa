//! What goes wrong with messages between their publishers and their topics, for whoever wants to see how consumers take
//! it. Set from outside of the broker; it does none by itself.
//!
//! Where nothing is set, no random number is drawn: whether there is a hand or not changes nothing.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use node::{Node, Rng, draw};
use rand::Rng as _;
use serde::{Deserialize, Serialize};

use crate::engine::Incoming;
use crate::wire::{Body, encode, micros};

/// How long a message is kept back, at most, so that others overtake it.
const KEPT_BACK_MAX: Duration = Duration::from_millis(500);

/// What nobody can read.
const POISON: &[u8] = b"{\"schema\":1,\"event\":\"nothing that anybody knows\"";

/// What goes wrong: each share is of the messages, from 0 to 1. By default nothing does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Mischief {
    /// Published twice.
    pub duplicated: f64,
    /// Kept back for a while, up to half a second.
    pub reordered: f64,
    /// Followed by a message that nobody can read.
    pub poisoned: f64,
}

impl Mischief {
    /// Whether each of the shares is one.
    pub(crate) fn is_valid(&self) -> bool {
        [self.duplicated, self.reordered, self.poisoned].iter().all(|share| (0.0..=1.0).contains(share))
    }
}

/// The hand that does it. Clones are the same hand.
#[derive(Clone, Debug, Default)]
pub struct MischiefControl {
    shared: Arc<Mutex<Shared>>,
}

#[derive(Debug, Default)]
struct Shared {
    mischief: Mischief,
    poisoned: BTreeMap<String, u64>,
}

impl MischiefControl {
    /// What goes wrong from now on.
    pub fn set(&self, mischief: Mischief) {
        self.lock().mischief = mischief;
    }

    /// How many messages that nobody can read were published, by topic. One of which nobody knows whether it is durable
    /// (the broker died) counts as published.
    #[must_use]
    pub fn poisoned(&self) -> BTreeMap<String, u64> {
        self.lock().poisoned.clone()
    }

    pub(crate) fn get(&self) -> Mischief {
        self.lock().mischief
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The hand at one broker, with its chance.
#[derive(Debug)]
pub(crate) struct Hand {
    control: MischiefControl,
    rng: Rng,
}

impl Hand {
    pub(crate) fn new(node: &Node, control: MischiefControl) -> Self {
        // Named by the instant at which the process began: the next one does not do the same again.
        let rng = node.rng(&format!("mischief/{}", node.elapsed().as_micros()));
        Self { control, rng }
    }

    /// The messages as they come in.
    pub(crate) fn touch(&mut self, messages: Vec<Incoming>, now_us: u64) -> Touched {
        let Mischief { duplicated, reordered, poisoned } = self.control.get();
        if duplicated + reordered + poisoned == 0.0 {
            return Touched { messages, ..Touched::default() };
        }
        let mut touched = Touched::default();
        for message in messages {
            let twice = draw::chance(&mut self.rng, duplicated).then(|| message.clone());
            let poison = draw::chance(&mut self.rng, poisoned).then(|| self.poison(&message, now_us));
            if poison.is_some() {
                *touched.poisoned.entry(message.topic.clone()).or_default() += 1;
            }
            for message in std::iter::once(message).chain(twice).chain(poison) {
                let is_kept = draw::chance(&mut self.rng, reordered);
                let share = draw::uniform(&mut self.rng, 0.0, 1.0);
                if is_kept {
                    let kept_back = KEPT_BACK_MAX.mul_f64(share);
                    touched.kept_back.push((touched.messages.len(), now_us + micros(kept_back)));
                }
                touched.messages.push(message);
            }
        }
        touched
    }

    /// They were taken in.
    pub(crate) fn note(&self, poisoned: BTreeMap<String, u64>) {
        if poisoned.is_empty() {
            return;
        }
        let mut shared = self.control.lock();
        for (topic, count) in poisoned {
            *shared.poisoned.entry(topic).or_default() += count;
        }
    }

    /// A message that nobody can read, about the same.
    fn poison(&mut self, like: &Incoming, now_us: u64) -> Incoming {
        let event_id = format!("poison-{:016x}", self.rng.next_u64());
        let body = encode(&Body { event_id: &event_id, at_us: now_us, payload: POISON });
        Incoming { topic: like.topic.clone(), key: Arc::clone(&like.key), body: body.into() }
    }
}

/// Messages on their way in, after whatever happened to them.
#[derive(Debug, Default)]
pub(crate) struct Touched {
    pub(crate) messages: Vec<Incoming>,
    /// Those that are kept back, by their places, and until when.
    pub(crate) kept_back: Vec<(usize, u64)>,
    /// How many of them nobody can read, by topic.
    pub(crate) poisoned: BTreeMap<String, u64>,
}

#[cfg(test)]
mod tests {
    use node::RealOptions;

    use super::*;

    fn incoming(count: u64) -> Vec<Incoming> {
        let body = |number: u64| encode(&Body { event_id: "e", at_us: number, payload: b"p" }).into();
        let message = |number| Incoming { topic: "t".to_owned(), key: "k".into(), body: body(number) };
        (0..count).map(message).collect()
    }

    #[tokio::test]
    async fn does_what_it_is_told_and_nothing_before() {
        let control = MischiefControl::default();
        let mut hand = Hand::new(&Node::real(RealOptions::default()), control.clone());
        let untouched = hand.touch(incoming(100), 7);
        assert_eq!((untouched.messages.len(), untouched.kept_back.len()), (100, 0));
        assert!(untouched.poisoned.is_empty());

        control.set(Mischief { duplicated: 1.0, reordered: 1.0, poisoned: 1.0 });
        let touched = hand.touch(incoming(100), 7);
        assert_eq!((touched.messages.len(), touched.kept_back.len()), (300, 300));
        assert!(touched.kept_back.iter().all(|(_, until_us)| (7..=500_007).contains(until_us)));
        hand.note(touched.poisoned);
        assert_eq!(control.poisoned(), [("t".to_owned(), 100)].into());

        control.set(Mischief { duplicated: 0.5, ..Mischief::default() });
        let touched = hand.touch(incoming(1_000), 7);
        assert!((1_400..1_600).contains(&touched.messages.len()) && touched.kept_back.is_empty());
    }
}
