//! What the log says while something is away that events need: the store, payment, or the broker. Every event that comes
//! meets with the same, again and again, and that is one thing to know.
//!
//! Each reason is said once, when it begins, with what the first event met with. That it works again is said when an event
//! is dealt with and none has met with it for a while: what is half away fails some and not others, by turns. Each attempt
//! counts in `events_failed_total` all the same.

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use crate::events::judgement::{Trouble, Why};

/// How long no event may have missed anything before it is said that all is there again.
const QUIET: Duration = Duration::from_secs(2);

/// What the events of one group miss.
#[derive(Debug)]
pub(super) struct Away {
    topic: &'static str,
    group: &'static str,
    missed: Mutex<Missed>,
}

#[derive(Debug, Default)]
struct Missed {
    /// What was said to be away; each at most once.
    said: Vec<Why>,
    last: Option<Instant>,
}

impl Away {
    /// Nothing is away.
    pub(super) const fn of(topic: &'static str, group: &'static str) -> Self {
        Self { topic, group, missed: Mutex::new(Missed { said: Vec::new(), last: None }) }
    }

    /// An event has met with this.
    pub(super) fn met(&self, trouble: &Trouble, now: Instant) {
        let Trouble { why, detail } = trouble;
        let mut missed = self.missed();
        missed.last = Some(now);
        if !missed.said.contains(why) {
            missed.said.push(*why);
            let (topic, group, why) = (self.topic, self.group, why.as_str());
            tracing::warn!(topic, group, why, detail, "something that events need is away");
        }
    }

    /// An event was dealt with.
    pub(super) fn dealt_with(&self, now: Instant) {
        let mut missed = self.missed();
        let is_quiet = missed.last.is_none_or(|last| now.saturating_duration_since(last) >= QUIET);
        if is_quiet && !missed.said.is_empty() {
            *missed = Missed::default();
            tracing::info!(topic = self.topic, group = self.group, "events are dealt with again");
        }
    }

    fn missed(&self) -> MutexGuard<'_, Missed> {
        self.missed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::logged::logged;

    #[test]
    fn each_reason_is_said_once_and_that_it_is_over_when_nothing_is_missed_any_more() {
        let lines = logged(|| {
            let away = Away::of("orders", "order-processor");
            let began = Instant::now();
            let at = |seconds| began + Duration::from_secs(seconds);
            away.dealt_with(at(0));
            let unreachable = Trouble::new(Why::PaymentAway, "unreachable");
            away.met(&unreachable, at(0));
            away.met(&Trouble::new(Why::PaymentAway, "breaker-open"), at(1));
            away.met(&Trouble::new(Why::Broker, "refused"), at(2));
            away.dealt_with(at(3));
            away.met(&unreachable, at(3));
            away.dealt_with(at(5));
            away.dealt_with(at(6));
            away.met(&unreachable, at(7));
        });
        let missed = |why, detail| {
            format!(
                "WARN something that events need is away topic=\"orders\" group=\"order-processor\" why=\"{why}\" detail=\"{detail}\""
            )
        };
        assert_eq!(
            lines,
            [
                missed("payment-away", "unreachable"),
                missed("broker", "refused"),
                "INFO events are dealt with again topic=\"orders\" group=\"order-processor\"".to_owned(),
                missed("payment-away", "unreachable"),
            ]
        );
    }
}
