//! Observability: what the platform notices by itself, and what it remembers of single orders.
//!
//! Thresholds of two kinds. A *share* (slow calls, failed calls, refusals) is compared with what is usual: an
//! alert begins when so many in so few would be a coincidence of less than [`Observability::false_alarm`]. A
//! *level* (busy workers, waits) is compared with a bound and must stay above it for a while.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{PositiveDuration, PositiveRate, Probability};

/// What the platform notices by itself, and what it remembers of single orders.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Observability {
    /// How often every rule is evaluated.
    pub every: PositiveDuration,
    /// How far back shares and means are counted.
    pub window: PositiveDuration,
    /// The chance, at most, that one evaluation finds a share unusual although it is as usual.
    pub false_alarm: Probability,
    /// How long a share must stay unusual until its alert begins.
    pub pending_for: PositiveDuration,
    /// How long a condition must be gone until its alert ends.
    pub resolve_after: PositiveDuration,
    /// What is usual of the service that is called.
    pub dependency: DependencyAlerts,
    /// When the platform's own places are scarce.
    pub saturation: SaturationAlerts,
    /// What is usual of an order as a whole.
    pub orders: OrderAlerts,
    /// What clients were promised, and how fast it may be used up.
    pub objective: ObjectiveAlerts,
    /// What is remembered of single orders.
    pub traces: Traces,
}

/// What is usual of the service that is called; more than that is an alert about the dependency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct DependencyAlerts {
    /// A call that takes longer is slow; it is one from that moment on, not only when it is answered.
    pub slow: PositiveDuration,
    /// The share of calls that are slow when nothing is wrong.
    pub slow_share: Probability,
    /// The share of calls that fail when nothing is wrong.
    pub failed_share: Probability,
}

/// When the platform's own places are scarce.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SaturationAlerts {
    /// So many of the workers (at payment: slots) are busy …
    pub busy_share: Probability,
    /// … or work waits so long for one, in the mean …
    pub queue_wait: PositiveDuration,
    /// … all of this time.
    pub sustained: PositiveDuration,
    /// The share of orders that are refused for want of a place when nothing is wrong.
    pub refused_share: Probability,
}

/// What is usual of an order as a whole; more than that is an alert about latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrderAlerts {
    /// An order that takes longer is slow; it is one from that moment on.
    pub slow: PositiveDuration,
    /// The share of orders that are slow when nothing is wrong.
    pub slow_share: Probability,
}

/// What clients were promised, and how fast it may be used up: two windows, after the Google SRE workbook.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ObjectiveAlerts {
    /// The share of orders that are answered with success or a decline, and in time.
    pub good_share: Probability,
    /// In time is within this.
    pub latency: PositiveDuration,
    /// The budget of the others is used up so many times faster than it may be …
    pub burn_rate: PositiveRate,
    /// … over this window …
    pub window: PositiveDuration,
    /// … and over this one, so that the alert ends soon after its cause.
    pub short_window: PositiveDuration,
}

/// What is remembered of single orders: their way through the services, span by span.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Traces {
    /// Spans that each service keeps; the oldest go first.
    pub spans: NonZeroU32,
}

impl Observability {
    /// How many evaluations cover a time; at least 1 and at most 10,000.
    #[must_use]
    pub fn evaluations(&self, time: PositiveDuration) -> usize {
        let many = time.get().as_nanos().div_ceil(self.every.get().as_nanos());
        usize::try_from(many).unwrap_or(usize::MAX).min(EVALUATIONS_MAX)
    }
}

/// The most evaluations that a window reaches back.
const EVALUATIONS_MAX: usize = 10_000;
