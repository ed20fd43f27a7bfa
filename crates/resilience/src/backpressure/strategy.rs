//! Five ways to say "not so fast", over the same pool of workers.
//!
//! | strategy | who is held back, and how | latency | who pays |
//! |---|---|---|---|
//! | [`Strategy::Block`] | the caller waits, however long | grows with the callers | everybody who waits |
//! | [`Strategy::BoundedQueue`] | who finds the queue full is refused at once | bounded by the queue | the last to come |
//! | [`Strategy::TokenBucket`], [`Strategy::LeakyBucket`] | who is above a rate is refused, or paced | as the queue's | who comes in bursts |
//! | [`Strategy::Credit`] | upstream asks before it sends | bounded by the target | upstream waits, at its own place |
//! | [`Strategy::Priority`] | the least important is refused first | bounded by the queue | the unimportant |

use std::time::Duration;

use super::credit::CreditGate;
use super::policy::{PoolLimits, Queue};
use crate::admission::{LeakyBucket, TokenBucket};

/// How a pool pushes back. See the module for a comparison.
#[derive(Clone, Debug)]
pub enum Strategy {
    /// Everybody waits, nobody is refused. **The queue is as long as there are callers**, and that is its
    /// only bound: right between a fixed number of workers of one process, wrong for what comes from a
    /// network.
    Block,
    /// At most so many wait, the rest is refused.
    BoundedQueue {
        /// The most calls that wait.
        queue: usize,
    },
    /// At most a rate with bursts comes through to a bounded queue, the rest is refused. A token is taken
    /// before the queue is looked at, and spent when that is full.
    TokenBucket {
        /// The rate and the burst.
        bucket: TokenBucket,
        /// The most calls that wait.
        queue: usize,
    },
    /// What comes is paced: calls arrive at a bounded queue at even distances, each as its drop leaks. Who
    /// finds the bucket full is refused. A caller that leaves while it is paced leaves a gap, because the
    /// times of those behind it are promised already. Exact to tokio's timer: one millisecond.
    LeakyBucket {
        /// The rate, and how many are paced at once.
        bucket: LeakyBucket,
        /// The most calls that wait after that.
        queue: usize,
    },
    /// Upstream asks the gate for credits before it sends. The pool tells the gate what calls waited, and
    /// sheds who waited for more than twice the gate's target. It does not check that a call has a credit:
    /// put a [`CreditLayer`](super::CreditLayer) with the same gate where calls come from.
    Credit {
        /// Where upstream asks.
        gate: CreditGate,
        /// The most calls that wait: only who sends without credit ever fills it.
        queue: usize,
    },
    /// The important first; in a full queue a more important newcomer displaces the least important waiter,
    /// who is refused. Needs [`WorkerPoolLayer::classified`](super::WorkerPoolLayer::classified).
    Priority {
        /// The most calls that wait.
        queue: usize,
    },
}

impl Strategy {
    /// A pool of `workers` with this strategy.
    #[must_use]
    pub fn config(self, workers: usize, retry_after: Duration) -> PoolConfig {
        let plain = |queue| PoolConfig::new(PoolLimits { workers, queue }, retry_after);
        match self {
            Self::Block => plain(usize::MAX),
            Self::BoundedQueue { queue } => plain(queue),
            Self::TokenBucket { bucket, queue } => {
                PoolConfig { front: Front::Tokens(bucket), ..plain(queue) }
            }
            Self::LeakyBucket { bucket, queue } => PoolConfig { front: Front::Leaky(bucket), ..plain(queue) },
            Self::Credit { gate, queue } => {
                let wait_max = gate.settings().target.saturating_mul(2);
                let discipline = Queue::bounded_wait(wait_max);
                PoolConfig { front: Front::Credits(gate), queue: discipline, ..plain(queue) }
            }
            Self::Priority { queue } => PoolConfig { queue: Queue::priority(), ..plain(queue) },
        }
    }
}

/// Everything that makes a pool: what a [`Strategy`] stands for, or any other combination.
#[derive(Clone, Debug)]
pub struct PoolConfig {
    /// How much it takes on.
    pub limits: PoolLimits,
    /// In which order, and who is shed.
    pub queue: Queue,
    /// What stands before the queue.
    pub front: Front,
    /// What the refused are told, where nothing better is known.
    pub retry_after: Duration,
}

impl PoolConfig {
    /// First come, first served, with nothing before the queue.
    #[must_use]
    pub fn new(limits: PoolLimits, retry_after: Duration) -> Self {
        Self { limits, queue: Queue::fifo(), front: Front::Open, retry_after }
    }
}

/// What stands before a pool's queue.
#[derive(Clone, Debug, Default)]
pub enum Front {
    /// Nothing.
    #[default]
    Open,
    /// What is above a rate is refused.
    Tokens(TokenBucket),
    /// What comes is paced to a rate.
    Leaky(LeakyBucket),
    /// A gate that is told what calls waited.
    Credits(CreditGate),
}
