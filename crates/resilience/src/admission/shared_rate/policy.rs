//! Whether the store is worth asking.
//!
//! ```text
//! trusted ──failed──▶ resting ──rest is over: one call asks──▶ resting again, until it has heard
//!    ▲                                                            │
//!    └──────────────────────answered──────────────────────────────┘
//! ```

use std::time::Duration;

/// What is thought of the store.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Trust {
    /// Left alone until then; `None` while it answers.
    resting_until: Option<Duration>,
}

impl Trust {
    /// Whether this call should ask the store. When a rest is over, one call may, and the others rest on.
    pub(super) fn may_ask(&mut self, now: Duration, rest: Duration) -> bool {
        match self.resting_until {
            None => true,
            Some(until) if now < until => false,
            Some(_) => {
                self.resting_until = Some(now.saturating_add(rest));
                true
            }
        }
    }

    /// It has answered.
    pub(super) const fn answered(&mut self) {
        self.resting_until = None;
    }

    /// It has not, or not in time.
    pub(super) fn failed(&mut self, now: Duration, rest: Duration) {
        self.resting_until = Some(now.saturating_add(rest));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REST: Duration = Duration::from_millis(500);

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[test]
    fn after_a_failure_one_call_per_rest_asks() {
        let mut trust = Trust::default();
        assert!(trust.may_ask(ms(0), REST) && trust.may_ask(ms(0), REST), "everybody asks what answers");
        trust.failed(ms(10), REST);
        assert!(!trust.may_ask(ms(11), REST) && !trust.may_ask(ms(509), REST));
        assert!(trust.may_ask(ms(510), REST), "one");
        assert!(!trust.may_ask(ms(510), REST) && !trust.may_ask(ms(1_009), REST), "and no other");
        assert!(trust.may_ask(ms(1_010), REST), "it was never heard of");
        trust.answered();
        assert!(trust.may_ask(ms(1_011), REST) && trust.may_ask(ms(1_011), REST));
    }
}
