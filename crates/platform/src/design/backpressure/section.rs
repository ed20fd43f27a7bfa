//! `[backpressure]` as people write it: one flat table, whose keys depend on strategy and discipline.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Backpressure, BackpressureStrategy, CreditGrants, Patience, QueueDiscipline};
use crate::design::retry_after_default;
use crate::design::sections::Kind;
use crate::design::values::{PositiveDuration, PositiveRate};

/// The defaults of CoDel's target and interval.
const CODEL_TARGET_DEFAULT: PositiveDuration = PositiveDuration::from_millis(5);
const CODEL_INTERVAL_DEFAULT: PositiveDuration = PositiveDuration::from_millis(100);
/// The defaults of credits: a wait that does no harm, how often their number moves, and its bounds.
const CREDIT_TARGET_DEFAULT: PositiveDuration = PositiveDuration::from_millis(10);
const CREDIT_INTERVAL_DEFAULT: PositiveDuration = PositiveDuration::from_millis(100);
const CREDITS_MIN_DEFAULT: NonZeroU32 = NonZeroU32::MIN;
const CREDITS_MAX_DEFAULT: NonZeroU32 = NonZeroU32::new(1024).expect("not zero");

/// The `[backpressure]` section as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Backpressure")]
pub(super) struct BackpressureSection {
    /// What happens to an order that finds every worker busy. `block` wants no `queue`, every other strategy does;
    /// `token-bucket` wants `rate_per_s` and `burst`, `leaky-bucket` wants `rate_per_s` and `depth`.
    strategy: StrategyName,
    /// In which order those that wait get their turn; `fifo` unless stated. `credit` and `priority` have their own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    discipline: Option<DisciplineName>,
    /// Orders worked on at once.
    workers: NonZeroU32,
    /// Orders that may wait for a worker; 0 refuses whenever every worker is busy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    queue: Option<u32>,
    /// Tokens or drops per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<PositiveRate>,
    /// The token bucket's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    burst: Option<NonZeroU32>,
    /// The leaky bucket's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    depth: Option<NonZeroU32>,
    /// For `credit` and `adaptive-lifo`: a wait that does no harm; 10 ms and 5 ms unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    target: Option<PositiveDuration>,
    /// For `credit` and `adaptive-lifo`: how often they judge; 100 ms unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    interval: Option<PositiveDuration>,
    /// For `credit`: where the number of credits begins; as many as workers unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credits_initial: Option<NonZeroU32>,
    /// For `credit`: the fewest credits; 1 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credits_min: Option<NonZeroU32>,
    /// For `credit`: the most credits; 1024 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    credits_max: Option<NonZeroU32>,
    /// For disciplines with deadlines: how long after its arrival an order's answer is worth nothing any more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    deadline: Option<PositiveDuration>,
    /// For disciplines with deadlines: how long an order takes once begun.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_time: Option<PositiveDuration>,
    /// For `bounded-wait`: the longest wait.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    wait_max: Option<PositiveDuration>,
    /// What a refused caller is told to wait.
    #[serde(default = "retry_after_default")]
    retry_after: PositiveDuration,
}

/// The strategies.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum StrategyName {
    /// Everybody waits, nobody is refused: the queue has no bound of its own.
    Block,
    BoundedQueue,
    TokenBucket,
    LeakyBucket,
    Credit,
    Priority,
}

/// The disciplines that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum DisciplineName {
    Fifo,
    DeadlineAware,
    EarliestDeadline,
    AdaptiveLifo,
    BoundedWait,
}

impl StrategyName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Block => "block",
            Self::BoundedQueue => "bounded-queue",
            Self::TokenBucket => "token-bucket",
            Self::LeakyBucket => "leaky-bucket",
            Self::Credit => "credit",
            Self::Priority => "priority",
        }
    }

    /// Keys that it needs, and keys that it may have.
    const fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Block => (&[], &["discipline"]),
            Self::BoundedQueue => (&["queue"], &["discipline"]),
            Self::TokenBucket => (&["rate_per_s", "burst", "queue"], &["discipline"]),
            Self::LeakyBucket => (&["rate_per_s", "depth", "queue"], &["discipline"]),
            Self::Credit => {
                (&["queue"], &["target", "interval", "credits_initial", "credits_min", "credits_max"])
            }
            Self::Priority => (&["queue"], &[]),
        }
    }
}

impl DisciplineName {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Fifo => "fifo",
            Self::DeadlineAware => "deadline-aware",
            Self::EarliestDeadline => "earliest-deadline",
            Self::AdaptiveLifo => "adaptive-lifo",
            Self::BoundedWait => "bounded-wait",
        }
    }

    /// Keys that it needs, and keys that it may have.
    const fn keys(self) -> (&'static [&'static str], &'static [&'static str]) {
        match self {
            Self::Fifo => (&[], &[]),
            Self::DeadlineAware | Self::EarliestDeadline => (&["deadline"], &["service_time"]),
            Self::AdaptiveLifo => (&[], &["target", "interval", "deadline", "service_time"]),
            Self::BoundedWait => (&["wait_max"], &[]),
        }
    }
}

impl BackpressureSection {
    fn stated(&self) -> [(&'static str, bool); 13] {
        [
            ("discipline", self.discipline.is_some()),
            ("queue", self.queue.is_some()),
            ("rate_per_s", self.rate_per_s.is_some()),
            ("burst", self.burst.is_some()),
            ("depth", self.depth.is_some()),
            ("target", self.target.is_some()),
            ("interval", self.interval.is_some()),
            ("credits_initial", self.credits_initial.is_some()),
            ("credits_min", self.credits_min.is_some()),
            ("credits_max", self.credits_max.is_some()),
            ("deadline", self.deadline.is_some()),
            ("service_time", self.service_time.is_some()),
            ("wait_max", self.wait_max.is_some()),
        ]
    }

    /// Holds every key against strategy and discipline.
    fn check(&self) -> Result<(), String> {
        let strategy = self.strategy;
        let (mut needs, mut may) = (strategy.keys().0.to_vec(), strategy.keys().1.to_vec());
        let mut named = format!("backpressure with strategy \"{}\"", strategy.as_str());
        if let Some(discipline) = self.discipline.filter(|_| may.contains(&"discipline")) {
            needs.extend(discipline.keys().0);
            may.extend(discipline.keys().1);
            named = format!("{named} and discipline \"{}\"", discipline.as_str());
        }
        Kind { named: &named, needs: &needs, may: &may }.check(&self.stated())?;
        if self.service_time.is_some() && self.deadline.is_none() {
            return Err(format!("{named} has a `service_time` but no `deadline` to hold it against"));
        }
        Ok(())
    }

    fn discipline(&self) -> QueueDiscipline {
        let Self { deadline, service_time, .. } = *self;
        let patience = deadline.map(|deadline| Patience { deadline, service_time });
        match (self.strategy, self.discipline) {
            (StrategyName::Credit, _) => QueueDiscipline::Credit,
            (StrategyName::Priority, _) => QueueDiscipline::Priority,
            (_, None | Some(DisciplineName::Fifo)) => QueueDiscipline::Fifo,
            (_, Some(DisciplineName::DeadlineAware)) => {
                QueueDiscipline::DeadlineAware { patience: patience.expect(CHECKED) }
            }
            (_, Some(DisciplineName::EarliestDeadline)) => {
                QueueDiscipline::EarliestDeadline { patience: patience.expect(CHECKED) }
            }
            (_, Some(DisciplineName::AdaptiveLifo)) => QueueDiscipline::AdaptiveLifo {
                target: self.target.unwrap_or(CODEL_TARGET_DEFAULT),
                interval: self.interval.unwrap_or(CODEL_INTERVAL_DEFAULT),
                patience,
            },
            (_, Some(DisciplineName::BoundedWait)) => {
                QueueDiscipline::BoundedWait { wait_max: self.wait_max.expect(CHECKED) }
            }
        }
    }

    fn credits(&self) -> Result<CreditGrants, String> {
        let min = self.credits_min.unwrap_or(CREDITS_MIN_DEFAULT);
        let max = self.credits_max.unwrap_or(CREDITS_MAX_DEFAULT);
        let initial = self.credits_initial.unwrap_or_else(|| self.workers.clamp(min, max.max(min)));
        if min > initial || initial > max {
            return Err(format!(
                "credits_initial is {initial}, which is not within credits_min, {min}, and credits_max, {max}"
            ));
        }
        let target = self.target.unwrap_or(CREDIT_TARGET_DEFAULT);
        let interval = self.interval.unwrap_or(CREDIT_INTERVAL_DEFAULT);
        Ok(CreditGrants { target, interval, initial, min, max })
    }
}

const CHECKED: &str = "a section with the keys that its strategy and discipline need";

impl TryFrom<BackpressureSection> for Backpressure {
    type Error = String;

    fn try_from(section: BackpressureSection) -> Result<Self, String> {
        section.check()?;
        let queue = || section.queue.expect(CHECKED);
        let rate_per_s = || section.rate_per_s.expect(CHECKED);
        let strategy = match section.strategy {
            StrategyName::Block => BackpressureStrategy::Block,
            StrategyName::BoundedQueue => BackpressureStrategy::BoundedQueue { queue: queue() },
            StrategyName::TokenBucket => BackpressureStrategy::TokenBucket {
                rate_per_s: rate_per_s(),
                burst: section.burst.expect(CHECKED),
                queue: queue(),
            },
            StrategyName::LeakyBucket => BackpressureStrategy::LeakyBucket {
                rate_per_s: rate_per_s(),
                depth: section.depth.expect(CHECKED),
                queue: queue(),
            },
            StrategyName::Credit => {
                BackpressureStrategy::Credit { credits: section.credits()?, queue: queue() }
            }
            StrategyName::Priority => BackpressureStrategy::Priority { queue: queue() },
        };
        let discipline = section.discipline();
        Ok(Self { strategy, discipline, workers: section.workers, retry_after: section.retry_after })
    }
}

impl From<Backpressure> for BackpressureSection {
    fn from(pool: Backpressure) -> Self {
        let mut section = Self {
            strategy: StrategyName::Block,
            discipline: None,
            workers: pool.workers,
            queue: pool.queue_max(),
            rate_per_s: None,
            burst: None,
            depth: None,
            target: None,
            interval: None,
            credits_initial: None,
            credits_min: None,
            credits_max: None,
            deadline: pool.discipline.patience().map(|patience| patience.deadline),
            service_time: pool.discipline.patience().and_then(|patience| patience.service_time),
            wait_max: None,
            retry_after: pool.retry_after,
        };
        section.strategy = match pool.strategy {
            BackpressureStrategy::Block => StrategyName::Block,
            BackpressureStrategy::BoundedQueue { .. } => StrategyName::BoundedQueue,
            BackpressureStrategy::TokenBucket { rate_per_s, burst, .. } => {
                (section.rate_per_s, section.burst) = (Some(rate_per_s), Some(burst));
                StrategyName::TokenBucket
            }
            BackpressureStrategy::LeakyBucket { rate_per_s, depth, .. } => {
                (section.rate_per_s, section.depth) = (Some(rate_per_s), Some(depth));
                StrategyName::LeakyBucket
            }
            BackpressureStrategy::Credit { credits, .. } => {
                (section.target, section.interval) = (Some(credits.target), Some(credits.interval));
                (section.credits_initial, section.credits_min) = (Some(credits.initial), Some(credits.min));
                section.credits_max = Some(credits.max);
                StrategyName::Credit
            }
            BackpressureStrategy::Priority { .. } => StrategyName::Priority,
        };
        section.discipline = match pool.discipline {
            // The default, and what cannot be chosen, are not written.
            QueueDiscipline::Fifo | QueueDiscipline::Priority | QueueDiscipline::Credit => None,
            QueueDiscipline::DeadlineAware { .. } => Some(DisciplineName::DeadlineAware),
            QueueDiscipline::EarliestDeadline { .. } => Some(DisciplineName::EarliestDeadline),
            QueueDiscipline::AdaptiveLifo { target, interval, .. } => {
                (section.target, section.interval) = (Some(target), Some(interval));
                Some(DisciplineName::AdaptiveLifo)
            }
            QueueDiscipline::BoundedWait { wait_max } => {
                section.wait_max = Some(wait_max);
                Some(DisciplineName::BoundedWait)
            }
        };
        section
    }
}
