//! What becomes of an event that was not dealt with: pure, the failure in, the verdict out.
//!
//! | why | with `[dead_letters]` | without |
//! |---|---|---|
//! | can never succeed (nobody can read it, its order has ended otherwise) | dies at once | comes again for ever |
//! | was written by a newer program | comes again, dies after `attempts_max` | comes again for ever |
//! | failed | comes again, dies after `attempts_max` | comes again for ever |
//! | something is away that it needs | comes again | comes again |
//!
//! A newer program's event waits the longest delay each time: whoever can read it is being rolled out, or the letter
//! tells people that nobody is. What is away is not the event's fault, so it never dies of that. When it comes again is
//! for `[delayed_retries]` to say; without those it is at once, or rather after [`AT_ONCE`].

use std::time::Duration;

use domain::StoreError;
use domain::broker::BrokerError;
use domain::event::Undecodable;

use crate::design::Design;

/// What "at once" is where nothing is delayed: an event that nobody can read and nothing puts aside would otherwise go round
/// as fast as the broker is, for ever, and show nothing more by that.
const AT_ONCE: Duration = Duration::from_millis(100);

/// Why an event was not dealt with. The names are labels of a metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Why {
    /// Nobody can read it.
    Malformed,
    /// A newer program wrote it.
    NewerSchema,
    /// It does not belong here, or contradicts how its order ended.
    Contradiction,
    /// The payment failed.
    Payment,
    /// Payment is away, or left alone.
    PaymentAway,
    /// The service's own store is away.
    Store,
    /// The broker is away, so that what follows cannot be told.
    Broker,
    /// The webhook did not take the notice.
    Webhook,
    /// It took longer than it may.
    Slow,
}

impl Why {
    /// All of them.
    pub(crate) const ALL: [Self; 9] = [
        Self::Malformed,
        Self::NewerSchema,
        Self::Contradiction,
        Self::Payment,
        Self::PaymentAway,
        Self::Store,
        Self::Broker,
        Self::Webhook,
        Self::Slow,
    ];

    /// The label.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::Malformed => "malformed",
            Self::NewerSchema => "newer-schema",
            Self::Contradiction => "contradiction",
            Self::Payment => "payment",
            Self::PaymentAway => "payment-away",
            Self::Store => "store",
            Self::Broker => "broker",
            Self::Webhook => "webhook",
            Self::Slow => "slow",
        }
    }

    /// Whether something is away, which is not the event's fault.
    pub(crate) const fn is_away(self) -> bool {
        matches!(self.weight(), Weight::Away)
    }

    /// Whether it is the event itself that cannot be dealt with, whatever is there.
    pub(crate) const fn is_of_the_event(self) -> bool {
        matches!(self.weight(), Weight::Hopeless | Weight::Newer)
    }

    const fn weight(self) -> Weight {
        match self {
            Self::Malformed | Self::Contradiction => Weight::Hopeless,
            Self::NewerSchema => Weight::Newer,
            Self::Payment | Self::Webhook | Self::Slow => Weight::Failed,
            Self::PaymentAway | Self::Store | Self::Broker => Weight::Away,
        }
    }
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Weight {
    Hopeless,
    Newer,
    Failed,
    Away,
}

/// An event was not dealt with.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Trouble {
    pub(crate) why: Why,
    /// For people.
    pub(crate) detail: String,
}

impl Trouble {
    pub(crate) fn new(why: Why, detail: impl Into<String>) -> Self {
        Self { why, detail: detail.into() }
    }
}

impl From<Undecodable> for Trouble {
    fn from(error: Undecodable) -> Self {
        let why = match error {
            Undecodable::Newer { .. } => Why::NewerSchema,
            Undecodable::Malformed { .. } => Why::Malformed,
        };
        Self::new(why, error.to_string())
    }
}

impl From<StoreError> for Trouble {
    fn from(error: StoreError) -> Self {
        let why = if error.is_retryable() { Why::Store } else { Why::Contradiction };
        let cause = std::error::Error::source(&error).map(|cause| format!(": {cause}"));
        Self::new(why, format!("{error}{}", cause.unwrap_or_default()))
    }
}

impl From<BrokerError> for Trouble {
    fn from(error: BrokerError) -> Self {
        Self::new(Why::Broker, error.to_string())
    }
}

/// What becomes of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// It comes again, not before the delay is over.
    Again(Duration),
    /// It is put aside.
    Dies,
}

/// What a design says about events that fail.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rules {
    /// The first delay and the longest.
    delays: Option<(Duration, Duration)>,
    attempts_max: Option<u32>,
}

impl Rules {
    pub(crate) fn of(design: &Design) -> Self {
        let delays = design.delayed_retries.as_ref();
        Self {
            delays: delays.map(|section| (section.delay.get(), section.delay_max.get())),
            attempts_max: design.dead_letters.as_ref().map(|section| section.attempts_max.get()),
        }
    }

    /// Judges the attempt with this number, the first being 1. `unit` is between 0 and 1, by chance.
    pub(crate) fn judge(&self, why: Why, attempt: u32, unit: f64) -> Judgement {
        let are_spent = self.attempts_max.is_some_and(|attempts_max| attempt >= attempts_max);
        match why.weight() {
            Weight::Hopeless if self.attempts_max.is_some() => Judgement::Dies,
            Weight::Failed | Weight::Newer if are_spent => Judgement::Dies,
            Weight::Newer => Judgement::Again(self.delays.map_or(AT_ONCE, |(_, longest)| longest)),
            Weight::Hopeless | Weight::Failed | Weight::Away => Judgement::Again(self.delay(attempt, unit)),
        }
    }

    /// Between half of the longest delay after so many attempts and all of it ("equal jitter": what failed together does
    /// not come again together, and never at once).
    pub(crate) fn delay(&self, attempt: u32, unit: f64) -> Duration {
        let Some((first, longest)) = self.delays else { return AT_ONCE };
        let factor = 1_u32.checked_shl(attempt.saturating_sub(1)).unwrap_or(u32::MAX);
        first.saturating_mul(factor).min(longest).mul_f64(0.5 + unit / 2.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    const ALL: Rules = Rules { delays: Some((SECOND, Duration::from_secs(60))), attempts_max: Some(5) };

    #[test]
    fn what_can_never_succeed_dies_at_once_where_anything_dies() {
        for why in [Why::Malformed, Why::Contradiction] {
            assert_eq!(ALL.judge(why, 1, 0.5), Judgement::Dies);
            assert_eq!(Rules::default().judge(why, 1_000, 0.5), Judgement::Again(AT_ONCE));
        }
    }

    #[test]
    fn what_fails_dies_after_its_attempts_and_comes_later_each_time() {
        for why in [Why::Payment, Why::Webhook, Why::Slow] {
            assert_eq!(ALL.judge(why, 1, 1.0), Judgement::Again(SECOND));
            assert_eq!(ALL.judge(why, 1, 0.0), Judgement::Again(SECOND / 2));
            assert_eq!(ALL.judge(why, 4, 1.0), Judgement::Again(SECOND * 8));
            assert_eq!(ALL.judge(why, 5, 1.0), Judgement::Dies);
        }
    }

    #[test]
    fn nothing_dies_of_what_is_away() {
        for why in [Why::Store, Why::Broker, Why::PaymentAway] {
            assert_eq!(ALL.judge(why, 1_000_000, 1.0), Judgement::Again(SECOND * 60));
        }
    }

    #[test]
    fn what_a_newer_program_wrote_waits_long_and_dies_all_the_same() {
        assert_eq!(ALL.judge(Why::NewerSchema, 1, 0.0), Judgement::Again(SECOND * 60));
        assert_eq!(ALL.judge(Why::NewerSchema, 5, 0.0), Judgement::Dies);
    }

    #[test]
    fn each_reason_has_its_own_label() {
        let labels: std::collections::BTreeSet<_> = Why::ALL.iter().map(|why| why.as_str()).collect();
        assert_eq!(labels.len(), Why::ALL.len());
    }
}
