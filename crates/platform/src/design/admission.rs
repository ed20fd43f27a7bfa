//! `[admission]`: who is let in at the edge. Whoever is not gets a 429 at once.
//!
//! Seven kinds. Two look at nothing but a count or a clock and refuse before the body is read; so do the
//! adaptive limit and the throttle, which learn from how orders end. Shares per customer and priorities
//! have to know whose order it is, which stands in its body: there a refusal costs reading it.

mod section;

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::section::AdmissionSection;
use super::values::{Multiplier, PositiveDuration, PositiveRate, Probability};

/// Admission control: who is let in at the edge. Whoever is not gets a 429 at once.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "AdmissionSection", into = "AdmissionSection")]
pub struct Admission {
    /// By what measure orders are admitted.
    pub limit: AdmissionLimit,
    /// What a refused client is told to wait; 1 s unless stated.
    pub retry_after: PositiveDuration,
}

/// The measure of an [`Admission`].
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum AdmissionLimit {
    /// At most so many orders in work at once.
    Concurrency {
        /// Orders in work at once.
        limit: NonZeroU32,
    },
    /// At most so many orders per second, by a token bucket.
    Rate {
        /// Tokens that flow in per second.
        rate_per_s: PositiveRate,
        /// The bucket's size: how many may come at once after a pause.
        burst: NonZeroU32,
        /// Whether all replicas have one bucket together, where they are given a place for it.
        is_shared: bool,
    },
    /// The same, reckoned by what has not leaked yet.
    LeakyBucket {
        /// Drops that leak out per second.
        rate_per_s: PositiveRate,
        /// How many drops the bucket holds.
        depth: NonZeroU32,
    },
    /// As many orders in work at once as turn out to be good.
    Adaptive {
        /// The limit and how it moves.
        limit: InFlightLimit,
    },
    /// Refused by chance, the more often the more was refused or not answered lately.
    Throttle {
        /// How many requests per accepted one are made before any is refused.
        k: Multiplier,
        /// The probability of a refusal never exceeds this.
        probability_max: Probability,
        /// How long results count.
        window: PositiveDuration,
    },
    /// A limit that customers share fairly.
    FairShare {
        /// Orders in work at once, of all customers together.
        limit: InFlightLimit,
        /// How long it counts what a customer wanted.
        memory: PositiveDuration,
        /// How many customers are told apart.
        customers_max: NonZeroU32,
    },
    /// A limit of which a part is kept for the important: low is shed first, then normal.
    Priority {
        /// Orders in work at once, of all priorities together.
        limit: InFlightLimit,
        /// The share that only orders of high priority may fill.
        reserve_high: Probability,
        /// The share that orders of low priority leave to all others, apart from that.
        reserve_normal: Probability,
    },
}

impl AdmissionLimit {
    /// The most orders that it ever lets be in work at once; `None` where it does not look at that.
    #[must_use]
    pub const fn in_flight_max(&self) -> Option<NonZeroU32> {
        match self {
            Self::Concurrency { limit } => Some(*limit),
            Self::Adaptive { limit } | Self::FairShare { limit, .. } | Self::Priority { limit, .. } => {
                Some(limit.max())
            }
            Self::Rate { .. } | Self::LeakyBucket { .. } | Self::Throttle { .. } => None,
        }
    }

    /// Whether it has to know the order: whose it is, how important.
    #[must_use]
    pub const fn reads_orders(&self) -> bool {
        matches!(self, Self::FairShare { .. } | Self::Priority { .. })
    }

    /// Whether it decides the moment it is asked: without reading the order, and without asking somebody else.
    #[must_use]
    pub const fn decides_at_once(&self) -> bool {
        !self.reads_orders() && !matches!(self, Self::Rate { is_shared: true, .. })
    }
}

/// How many orders may be in work at once: a number, or one that finds itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InFlightLimit {
    /// So many.
    Fixed(NonZeroU32),
    /// As many as response times say, within bounds.
    Found {
        /// How it is moved.
        algorithm: LimitAlgorithm,
        /// Where it begins.
        initial: NonZeroU32,
        /// It never falls below this.
        min: NonZeroU32,
        /// It never rises above this.
        max: NonZeroU32,
        /// How long results are gathered before it moves.
        window: PositiveDuration,
    },
}

impl InFlightLimit {
    /// The most that it ever is.
    #[must_use]
    pub const fn max(&self) -> NonZeroU32 {
        match self {
            Self::Fixed(limit) => *limit,
            Self::Found { max, .. } => *max,
        }
    }
}

/// How a limit finds itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum LimitAlgorithm {
    /// By comparing response times with what they were for long.
    Gradient2,
    /// By comparing response times with the shortest.
    Vegas,
    /// By refusals and failures alone.
    Aimd,
}
