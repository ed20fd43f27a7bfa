//! What keeps a process from consuming, for who asks whether it is ready: a broker can be there and refuse all the same,
//! for example when it has no room for a topic.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

/// By topic, why nothing of it comes in. Clones share it; as many entries as the process has consumers.
#[derive(Clone, Debug, Default)]
pub(crate) struct Hindrances {
    reasons: Arc<Mutex<BTreeMap<&'static str, String>>>,
}

impl Hindrances {
    /// Nothing of a topic comes in, or everything does.
    pub(crate) fn set(&self, topic: &'static str, reason: Option<String>) {
        let mut reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        match reason {
            Some(reason) => reasons.insert(topic, reason),
            None => reasons.remove(topic),
        };
    }

    /// One of them, as a sentence.
    pub(crate) fn first(&self) -> Option<String> {
        let reasons = self.reasons.lock().unwrap_or_else(PoisonError::into_inner);
        reasons
            .iter()
            .next()
            .map(|(topic, reason)| format!("nothing of the topic {topic:?} comes in: {reason}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_hinders_is_said_until_it_does_not_any_more() {
        let hindrances = Hindrances::default();
        assert_eq!(hindrances.first(), None);
        hindrances.clone().set("orders", Some("no room".to_owned()));
        assert_eq!(hindrances.first().as_deref(), Some("nothing of the topic \"orders\" comes in: no room"));
        hindrances.set("orders", None);
        assert_eq!(hindrances.first(), None);
    }
}
