//! `[backpressure]`: how many orders order-processor works on, who waits for a worker, in which order, and
//! who is told to come back.
//!
//! A *strategy* says who is held back, a *discipline* in which order the held back get their turn and who of
//! them is not worth one any more. A discipline can be chosen for the strategies that leave it open;
//! `credit` and `priority` have their own.

mod section;

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use self::section::BackpressureSection;
use super::values::{PositiveDuration, PositiveRate};

/// Backpressure: how many orders order-processor works on, and what happens to the others.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BackpressureSection", into = "BackpressureSection")]
pub struct Backpressure {
    /// What happens to an order that finds every worker busy.
    pub strategy: BackpressureStrategy,
    /// In which order those that wait get their turn.
    pub discipline: QueueDiscipline,
    /// Orders worked on at once.
    pub workers: NonZeroU32,
    /// What a refused caller is told to wait; 1 s unless stated.
    pub retry_after: PositiveDuration,
}

impl Backpressure {
    /// The most orders that wait for a worker; `None` when nothing but the number of callers bounds it.
    #[must_use]
    pub const fn queue_max(&self) -> Option<u32> {
        match self.strategy {
            BackpressureStrategy::Block => None,
            BackpressureStrategy::BoundedQueue { queue }
            | BackpressureStrategy::TokenBucket { queue, .. }
            | BackpressureStrategy::LeakyBucket { queue, .. }
            | BackpressureStrategy::Credit { queue, .. }
            | BackpressureStrategy::Priority { queue } => Some(queue),
        }
    }

    /// How order-api is granted demand, where it is.
    #[must_use]
    pub const fn credits(&self) -> Option<&CreditGrants> {
        match &self.strategy {
            BackpressureStrategy::Credit { credits, .. } => Some(credits),
            _ => None,
        }
    }
}

/// What happens to an order that finds every worker busy.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum BackpressureStrategy {
    /// It waits, however long, and is never refused. **The queue has no bound of its own**: it is as long as
    /// there are callers, and those are bounded by the connections that a host can have open.
    Block,
    /// It waits in a short queue; when that is full it is refused at once.
    BoundedQueue {
        /// Orders that may wait for a worker; 0 refuses whenever every worker is busy.
        queue: u32,
    },
    /// Whatever comes above a rate is refused, the rest goes to a bounded queue.
    TokenBucket {
        /// Tokens that flow in per second.
        rate_per_s: PositiveRate,
        /// The bucket's size.
        burst: NonZeroU32,
        /// Orders that may wait for a worker.
        queue: u32,
    },
    /// Orders are paced to a rate; who finds the bucket full is refused.
    LeakyBucket {
        /// Orders per second that come through.
        rate_per_s: PositiveRate,
        /// How many are paced at once.
        depth: NonZeroU32,
        /// Orders that may wait for a worker after that.
        queue: u32,
    },
    /// order-processor tells order-api with every answer how many orders it may have here at once, and
    /// order-api refuses the rest itself, before anything was sent.
    Credit {
        /// How the number follows what orders waited.
        credits: CreditGrants,
        /// Orders that may wait for a worker: only who sends without credit fills it.
        queue: u32,
    },
    /// The important first; in a full queue an order displaces one that is less important than itself.
    Priority {
        /// Orders that may wait for a worker.
        queue: u32,
    },
}

/// How the number of credits follows what orders waited for a worker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CreditGrants {
    /// A wait that does no harm; who waited for twice as long is refused.
    pub target: PositiveDuration,
    /// How often the number is adjusted.
    pub interval: PositiveDuration,
    /// Where it begins.
    pub initial: NonZeroU32,
    /// It never falls below this: what keeps coming tells when things are well again.
    pub min: NonZeroU32,
    /// It never rises above this.
    pub max: NonZeroU32,
}

/// In which order those that wait get their turn, and who is not worth it any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueDiscipline {
    /// First come, first served.
    Fifo,
    /// First come, first served without those who cannot be done before their deadline any more.
    DeadlineAware {
        /// Whose deadline is how far off, and how long an order takes.
        patience: Patience,
    },
    /// The earliest deadline first, without those who cannot meet theirs any more.
    EarliestDeadline {
        /// Whose deadline is how far off, and how long an order takes.
        patience: Patience,
    },
    /// CoDel: first come, first served until the queue stands; then newest first, and the old are refused.
    AdaptiveLifo {
        /// A wait that does no harm.
        target: PositiveDuration,
        /// For how long no wait must have been better than that.
        interval: PositiveDuration,
        /// Where orders have deadlines: those who cannot meet theirs any more are refused.
        patience: Option<Patience>,
    },
    /// First come, first served, and who waited too long is refused.
    BoundedWait {
        /// The longest wait.
        wait_max: PositiveDuration,
    },
    /// The most important first. It belongs to the strategy of the same name.
    Priority,
    /// As the strategy `credit` has it: first come, first served, and who waited for twice the target is refused.
    Credit,
}

impl QueueDiscipline {
    /// How long a caller is patient, where the discipline looks at that.
    #[must_use]
    pub const fn patience(&self) -> Option<Patience> {
        match self {
            Self::DeadlineAware { patience } | Self::EarliestDeadline { patience } => Some(*patience),
            Self::AdaptiveLifo { patience, .. } => *patience,
            Self::Fifo | Self::BoundedWait { .. } | Self::Priority | Self::Credit => None,
        }
    }
}

/// What a queue knows about deadlines.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Patience {
    /// How long after its arrival an order's answer is worth nothing any more. A shorter deadline that comes
    /// with the order counts instead.
    pub deadline: PositiveDuration,
    /// How long an order takes once begun; `None` refuses only those whose deadline has passed already.
    pub service_time: Option<PositiveDuration>,
}
