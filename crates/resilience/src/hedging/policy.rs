//! When a second attempt is due, and whether there may be one: a pure type.
//!
//! `now` is the time since some fixed origin.

mod latencies;

use std::num::NonZeroUsize;
use std::time::Duration;

use latencies::Latencies;

use crate::budget::{Budget, BudgetLimits};
use crate::ratio::Ratio;

/// After which time an answer is late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HedgeDelay {
    /// Always the same.
    Fixed(Duration),
    /// A percentile of the latencies of late.
    Percentile(Percentile),
}

/// A percentile of the latencies of late.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Percentile {
    /// Which one: 95 % means that one in twenty is later. Default: 95 %.
    pub percentile: Ratio,
    /// Among so many latencies of successes. It is brought up to date sixteen times in as many. Default: 500.
    pub samples: NonZeroUsize,
    /// With fewer than these nobody is hedged; more than `samples` counts as that. Default: 50.
    pub samples_min: usize,
    /// It is never earlier. Default: 1 ms, what a timer can tell.
    pub least: Duration,
    /// It is never later. Default: 10 s.
    pub most: Duration,
}

impl Default for Percentile {
    fn default() -> Self {
        Self {
            percentile: Ratio::percent(95),
            samples: NonZeroUsize::new(500).expect("not zero"),
            samples_min: 50,
            least: Duration::from_millis(1),
            most: Duration::from_secs(10),
        }
    }
}

/// When to hedge and how often.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HedgeLimits {
    /// After which time an answer is late. Default: the 95th percentile.
    pub delay: HedgeDelay,
    /// How many hedges there may be over all calls. Default: 10 % of them, no floor, over 10 s.
    pub budget: BudgetLimits,
}

impl Default for HedgeLimits {
    fn default() -> Self {
        let budget = BudgetLimits { ratio: Ratio::percent(10), floor_per_s: 0, ..BudgetLimits::default() };
        Self { delay: HedgeDelay::Percentile(Percentile::default()), budget }
    }
}

/// The policy with its budget and what it measured.
#[derive(Clone, Debug)]
pub struct Hedging {
    limits: HedgeLimits,
    budget: Budget,
    latencies: Latencies,
}

impl Hedging {
    /// With nothing measured and nothing earned.
    #[must_use]
    pub fn new(limits: HedgeLimits) -> Self {
        Self { limits, budget: Budget::new(limits.budget), latencies: Latencies::default() }
    }

    /// A call that may be hedged begins: it earns its share of a hedge. When it is late; `None` when nobody
    /// knows yet.
    pub fn begin(&mut self, now: Duration) -> Option<Duration> {
        self.budget.deposit(now);
        self.delay()
    }

    /// After which time an answer is late now; `None` when nobody knows yet.
    #[must_use]
    pub fn delay(&self) -> Option<Duration> {
        match self.limits.delay {
            HedgeDelay::Fixed(delay) => Some(delay),
            HedgeDelay::Percentile(Percentile { least, most, .. }) => {
                self.latencies.percentile().map(|latency| latency.min(most).max(least))
            }
        }
    }

    /// A call is late: whether there may be a second attempt, which is then counted.
    pub fn hedge(&mut self, now: Duration) -> bool {
        self.budget.withdraw(now).is_some()
    }

    /// A call has succeeded so long after its beginning.
    pub fn succeeded(&mut self, latency: Duration) {
        if let HedgeDelay::Percentile(percentile) = &self.limits.delay {
            self.latencies.add(latency, percentile);
        }
    }

    /// How many hedges the budget has right now.
    #[must_use]
    pub fn available(&mut self, now: Duration) -> u64 {
        self.budget.available(now)
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &HedgeLimits {
        &self.limits
    }

    /// Other limits from now on. What was earned and spent stays; another way to reckon the delay begins to
    /// measure anew.
    pub fn set_limits(&mut self, now: Duration, limits: HedgeLimits) {
        self.budget.set_limits(now, limits.budget);
        if limits.delay != self.limits.delay {
            self.latencies = Latencies::default();
        }
        self.limits = limits;
    }
}

#[cfg(test)]
mod tests;
