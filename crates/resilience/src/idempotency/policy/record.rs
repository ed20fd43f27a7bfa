//! One record, and what it says to who asks.
//!
//! ```text
//! absent ──begin──▶ in flight ──complete──▶ completed ──its time is over──▶ absent
//!                    │      └──abandon──▶ absent
//!                    └──the lease ran out──▶ absent (the claim may still complete, if nobody was quicker)
//! ```

use std::time::Duration;

use crate::idempotency::key::Fingerprint;
use crate::idempotency::records::{Answer, Ask, Beginning, Claim, Completion};

/// What is known of a key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// What it was about.
    pub fingerprint: Fingerprint,
    /// Who holds or held it.
    pub claim: Claim,
    /// When its time is over: the lease while in flight, the expiry once completed. From this very moment
    /// on it is as if it were not there.
    pub until: Duration,
    /// In flight, or done.
    pub state: RecordState,
}

/// How far it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RecordState {
    /// Running, or crashed.
    InFlight,
    /// Done.
    Completed(Answer),
}

impl Record {
    /// Whether its time is over.
    #[must_use]
    pub fn is_expired(&self, now: Duration) -> bool {
        self.until <= now
    }

    /// What the record that was found says to `ask`, and the record to write, if any.
    #[must_use]
    pub fn begin(found: Option<&Self>, ask: &Ask) -> (Beginning, Option<Self>) {
        let begun = Self {
            fingerprint: ask.fingerprint,
            claim: ask.claim,
            until: ask.lease_until,
            state: RecordState::InFlight,
        };
        let Some(found) = found.filter(|found| !found.is_expired(ask.now)) else {
            return (Beginning::Begun, Some(begun));
        };
        if found.fingerprint != ask.fingerprint {
            return (Beginning::Mismatch, None);
        }
        match &found.state {
            RecordState::Completed(answer) => (Beginning::Completed(answer.clone()), None),
            RecordState::InFlight if found.claim == ask.claim => (Beginning::Begun, Some(begun)),
            RecordState::InFlight => (Beginning::InFlight { until: found.until }, None),
        }
    }

    /// What becomes of a completion, and the record to write, if any.
    #[must_use]
    pub fn complete(
        found: Option<&Self>,
        claim: Claim,
        answer: &Answer,
        keep_until: Duration,
    ) -> (Completion, Option<Self>) {
        let Some(found) = found.filter(|found| found.claim == claim) else {
            return (Completion::Lost, None);
        };
        match found.state {
            RecordState::Completed(_) => (Completion::Stored, None),
            RecordState::InFlight => {
                let state = RecordState::Completed(answer.clone());
                (Completion::Stored, Some(Self { until: keep_until, state, ..found.clone() }))
            }
        }
    }

    /// Whether `claim` may take the record away.
    #[must_use]
    pub fn may_abandon(&self, claim: Claim) -> bool {
        self.claim == claim && self.state == RecordState::InFlight
    }
}

#[cfg(test)]
mod tests;
