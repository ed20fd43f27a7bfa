//! What began and what ended: a bounded list that outlives the process.

use std::collections::VecDeque;

use serde::{Deserialize, Serialize};

use super::{About, AlertName};

/// How many alerts are remembered; the oldest go first.
pub const ALERTS_MAX: usize = 64;

/// One alert. Times are in µs of the node's timeline.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AlertFact {
    /// Which one.
    pub name: AlertName,
    /// What it is about.
    pub about: About,
    /// When it began: the condition had held for long enough.
    pub began_us: u64,
    /// When it ended; `None` while it is on.
    pub ended_us: Option<u64>,
    /// What was found when it began: a share, a multiple, or seconds.
    pub value: f64,
    /// What was too much then, in the same unit.
    pub threshold: f64,
}

/// A service's alerts.
#[derive(Clone, Debug, Default)]
pub(crate) struct AlertLog {
    alerts: VecDeque<AlertFact>,
    begun: [u64; AlertName::ALL.len()],
}

impl AlertLog {
    pub(super) fn begin(&mut self, name: AlertName, now_us: u64, value: f64, threshold: f64) {
        let about = name.about();
        tracing::warn!(alert = name.as_str(), about = about.as_str(), value, threshold, "an alert begins");
        self.begun[name as usize] += 1;
        if self.alerts.len() == ALERTS_MAX {
            self.alerts.pop_front();
        }
        self.alerts.push_back(AlertFact { name, about, began_us: now_us, ended_us: None, value, threshold });
    }

    pub(super) fn end(&mut self, name: AlertName, now_us: u64) {
        tracing::info!(alert = name.as_str(), "an alert ends");
        let on = self.alerts.iter_mut().rfind(|alert| alert.name == name && alert.ended_us.is_none());
        if let Some(alert) = on {
            alert.ended_us = Some(now_us);
        }
    }

    /// A new process: whatever was on is not watched any more.
    pub(crate) fn end_all(&mut self, now_us: u64) {
        for alert in self.alerts.iter_mut().filter(|alert| alert.ended_us.is_none()) {
            alert.ended_us = Some(now_us);
        }
    }

    /// In the order in which they began.
    pub(crate) fn facts(&self) -> Vec<AlertFact> {
        self.alerts.iter().cloned().collect()
    }

    /// How often an alert began, and whether it is on.
    pub(crate) fn count(&self, name: AlertName) -> (u64, bool) {
        let is_on = self.alerts.iter().any(|alert| alert.name == name && alert.ended_us.is_none());
        (self.begun[name as usize], is_on)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_keeps_the_latest_and_counts_all() {
        let mut log = AlertLog::default();
        for n in 0..100 {
            log.begin(AlertName::Refusals, n * 10, 0.5, 0.1);
            log.end(AlertName::Refusals, n * 10 + 5);
        }
        let facts = log.facts();
        assert_eq!((facts.len(), facts[0].began_us, facts[63].ended_us), (ALERTS_MAX, 360, Some(995)));
        assert_eq!(log.count(AlertName::Refusals), (100, false));
    }

    #[test]
    fn a_new_process_ends_what_was_on() {
        let mut log = AlertLog::default();
        log.begin(AlertName::BreakerOpen, 1, 1.0, 1.0);
        assert_eq!(log.count(AlertName::BreakerOpen), (1, true));
        log.end_all(7);
        assert_eq!(log.facts()[0].ended_us, Some(7));
        assert_eq!(log.count(AlertName::BreakerOpen), (1, false));
    }

    #[test]
    fn names_stand_in_the_order_of_their_enum() {
        for (place, name) in AlertName::ALL.into_iter().enumerate() {
            assert_eq!(place, name as usize);
            assert_eq!(serde_json::to_value(name).expect("text"), name.as_str());
        }
    }
}
