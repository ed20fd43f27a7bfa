//! `[admission]` as people write it: one flat table, whose keys depend on its kind.

use std::num::NonZeroU32;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Admission, AdmissionLimit, InFlightLimit, LimitAlgorithm};
use crate::design::retry_after_default;
use crate::design::sections::Kind;
use crate::design::values::{Multiplier, PositiveDuration, PositiveRate, Probability};

/// How long the measurements of an adaptive limit are gathered unless the design says.
const WINDOW_DEFAULT: PositiveDuration = PositiveDuration::from_secs(1);
/// How long a throttle remembers unless the design says: the book's two minutes.
const THROTTLE_WINDOW_DEFAULT: PositiveDuration = PositiveDuration::from_secs(120);
/// How long it counts what a customer wanted unless the design says.
const MEMORY_DEFAULT: PositiveDuration = PositiveDuration::from_secs(1);
/// How many customers are told apart unless the design says.
const CUSTOMERS_MAX_DEFAULT: NonZeroU32 = NonZeroU32::new(1024).expect("not zero");

/// The `[admission]` section as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Admission")]
pub(super) struct AdmissionSection {
    /// `concurrency` wants `limit`; `rate` wants `rate_per_s` and `burst`; `leaky-bucket` wants `rate_per_s` and
    /// `depth`; `adaptive` wants `algorithm`, `limit`, `limit_min` and `limit_max`; `throttle` wants nothing more;
    /// `fair-share` and `priority` want `limit`, and with an `algorithm` its bounds too.
    kind: AdmissionKind,
    /// Orders in work at once; with an `algorithm` where it begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit: Option<NonZeroU32>,
    /// How the limit finds itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    algorithm: Option<LimitAlgorithm>,
    /// The limit never falls below this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_min: Option<NonZeroU32>,
    /// The limit never rises above this.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    limit_max: Option<NonZeroU32>,
    /// How long results are gathered before a limit moves (1 s unless stated), or count for a throttle (2 min).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<PositiveDuration>,
    /// Tokens or drops per second.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    rate_per_s: Option<PositiveRate>,
    /// The token bucket's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    burst: Option<NonZeroU32>,
    /// Whether all replicas of order-api have one token bucket together, in the Redis that they are given; each has its
    /// own unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    shared: Option<bool>,
    /// The leaky bucket's size.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    depth: Option<NonZeroU32>,
    /// Requests per accepted one before a throttle refuses any; 2 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    k: Option<Multiplier>,
    /// The highest probability with which a throttle refuses; 1 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    probability_max: Option<Probability>,
    /// How long it counts what a customer wanted; 1 s unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    memory: Option<PositiveDuration>,
    /// How many customers are told apart; 1024 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    customers_max: Option<NonZeroU32>,
    /// The share of the limit that is kept for orders of high priority; 0.2 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserve_high: Option<Probability>,
    /// The share that is kept from orders of low priority apart from that; 0.1 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    reserve_normal: Option<Probability>,
    /// What a refused client is told to wait.
    #[serde(default = "retry_after_default")]
    retry_after: PositiveDuration,
}

/// The kinds of admission control.
#[derive(Clone, Copy, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
enum AdmissionKind {
    Concurrency,
    Rate,
    LeakyBucket,
    Adaptive,
    Throttle,
    FairShare,
    Priority,
}

/// What an `algorithm` asks for.
const FOUND: &[&str] = &["algorithm", "limit", "limit_min", "limit_max"];

impl AdmissionKind {
    /// What belongs to it, with an `algorithm` or without.
    const fn keys(self, is_found: bool) -> Kind<'static> {
        let (named, needs, may): (_, &[&str], &[&str]) = match (self, is_found) {
            (Self::Concurrency, _) => ("admission of kind \"concurrency\"", &["limit"], &[]),
            (Self::Rate, _) => ("admission of kind \"rate\"", &["rate_per_s", "burst"], &["shared"]),
            (Self::LeakyBucket, _) => ("admission of kind \"leaky-bucket\"", &["rate_per_s", "depth"], &[]),
            (Self::Adaptive, _) => ("admission of kind \"adaptive\"", FOUND, &["window"]),
            (Self::Throttle, _) => {
                ("admission of kind \"throttle\"", &[], &["k", "probability_max", "window"])
            }
            (Self::FairShare, false) => {
                ("admission of kind \"fair-share\"", &["limit"], &["memory", "customers_max", "algorithm"])
            }
            (Self::FairShare, true) => (
                "admission of kind \"fair-share\" with an algorithm",
                FOUND,
                &["memory", "customers_max", "window"],
            ),
            (Self::Priority, false) => (
                "admission of kind \"priority\"",
                &["limit"],
                &["reserve_high", "reserve_normal", "algorithm"],
            ),
            (Self::Priority, true) => (
                "admission of kind \"priority\" with an algorithm",
                FOUND,
                &["reserve_high", "reserve_normal", "window"],
            ),
        };
        Kind { named, needs, may }
    }
}

impl AdmissionSection {
    /// A section that states nothing yet.
    const fn empty(retry_after: PositiveDuration) -> Self {
        Self {
            kind: AdmissionKind::Concurrency,
            limit: None,
            algorithm: None,
            limit_min: None,
            limit_max: None,
            window: None,
            rate_per_s: None,
            burst: None,
            shared: None,
            depth: None,
            k: None,
            probability_max: None,
            memory: None,
            customers_max: None,
            reserve_high: None,
            reserve_normal: None,
            retry_after,
        }
    }

    fn stated(&self) -> [(&'static str, bool); 15] {
        [
            ("limit", self.limit.is_some()),
            ("algorithm", self.algorithm.is_some()),
            ("limit_min", self.limit_min.is_some()),
            ("limit_max", self.limit_max.is_some()),
            ("window", self.window.is_some()),
            ("rate_per_s", self.rate_per_s.is_some()),
            ("burst", self.burst.is_some()),
            ("shared", self.shared.is_some()),
            ("depth", self.depth.is_some()),
            ("k", self.k.is_some()),
            ("probability_max", self.probability_max.is_some()),
            ("memory", self.memory.is_some()),
            ("customers_max", self.customers_max.is_some()),
            ("reserve_high", self.reserve_high.is_some()),
            ("reserve_normal", self.reserve_normal.is_some()),
        ]
    }

    fn in_flight_limit(&self) -> Result<InFlightLimit, String> {
        let limit = self.limit.expect(CHECKED);
        let Some(algorithm) = self.algorithm else { return Ok(InFlightLimit::Fixed(limit)) };
        let (min, max) = (self.limit_min.expect(CHECKED), self.limit_max.expect(CHECKED));
        if min > limit || limit > max {
            return Err(format!(
                "limit is {limit}, which is not within limit_min, {min}, and limit_max, {max}"
            ));
        }
        let window = self.window.unwrap_or(WINDOW_DEFAULT);
        Ok(InFlightLimit::Found { algorithm, initial: limit, min, max, window })
    }

    fn put_limit(&mut self, limit: InFlightLimit) {
        match limit {
            InFlightLimit::Fixed(limit) => self.limit = Some(limit),
            InFlightLimit::Found { algorithm, initial, min, max, window } => {
                self.algorithm = Some(algorithm);
                self.limit = Some(initial);
                self.limit_min = Some(min);
                self.limit_max = Some(max);
                self.window = Some(window);
            }
        }
    }
}

const CHECKED: &str = "a section with the keys that its kind needs";

impl TryFrom<AdmissionSection> for Admission {
    type Error = String;

    fn try_from(section: AdmissionSection) -> Result<Self, String> {
        section.kind.keys(section.algorithm.is_some()).check(&section.stated())?;
        let limit = match section.kind {
            AdmissionKind::Concurrency => {
                AdmissionLimit::Concurrency { limit: section.limit.expect(CHECKED) }
            }
            AdmissionKind::Rate => AdmissionLimit::Rate {
                rate_per_s: section.rate_per_s.expect(CHECKED),
                burst: section.burst.expect(CHECKED),
                is_shared: section.shared.unwrap_or(false),
            },
            AdmissionKind::LeakyBucket => AdmissionLimit::LeakyBucket {
                rate_per_s: section.rate_per_s.expect(CHECKED),
                depth: section.depth.expect(CHECKED),
            },
            AdmissionKind::Adaptive => AdmissionLimit::Adaptive { limit: section.in_flight_limit()? },
            AdmissionKind::Throttle => AdmissionLimit::Throttle {
                k: section.k.unwrap_or(Multiplier::TWO),
                probability_max: section.probability_max.unwrap_or(Probability::ALWAYS),
                window: section.window.unwrap_or(THROTTLE_WINDOW_DEFAULT),
            },
            AdmissionKind::FairShare => AdmissionLimit::FairShare {
                limit: section.in_flight_limit()?,
                memory: section.memory.unwrap_or(MEMORY_DEFAULT),
                customers_max: section.customers_max.unwrap_or(CUSTOMERS_MAX_DEFAULT),
            },
            AdmissionKind::Priority => {
                let limit = section.in_flight_limit()?;
                let default = |value| Probability::new(value).expect("a share of one");
                let reserve_high = section.reserve_high.unwrap_or_else(|| default(0.2));
                let reserve_normal = section.reserve_normal.unwrap_or_else(|| default(0.1));
                if reserve_high.get() + reserve_normal.get() > 1.0 {
                    return Err("reserve_high and reserve_normal are more than 1 together".to_owned());
                }
                AdmissionLimit::Priority { limit, reserve_high, reserve_normal }
            }
        };
        Ok(Self { limit, retry_after: section.retry_after })
    }
}

impl From<Admission> for AdmissionSection {
    fn from(admission: Admission) -> Self {
        let mut section = Self::empty(admission.retry_after);
        match admission.limit {
            AdmissionLimit::Concurrency { limit } => section.limit = Some(limit),
            AdmissionLimit::Rate { rate_per_s, burst, is_shared } => {
                section.kind = AdmissionKind::Rate;
                (section.rate_per_s, section.burst) = (Some(rate_per_s), Some(burst));
                section.shared = is_shared.then_some(true);
            }
            AdmissionLimit::LeakyBucket { rate_per_s, depth } => {
                section.kind = AdmissionKind::LeakyBucket;
                (section.rate_per_s, section.depth) = (Some(rate_per_s), Some(depth));
            }
            AdmissionLimit::Adaptive { limit } => {
                section.kind = AdmissionKind::Adaptive;
                section.put_limit(limit);
            }
            AdmissionLimit::Throttle { k, probability_max, window } => {
                section.kind = AdmissionKind::Throttle;
                (section.k, section.probability_max) = (Some(k), Some(probability_max));
                section.window = Some(window);
            }
            AdmissionLimit::FairShare { limit, memory, customers_max } => {
                section.kind = AdmissionKind::FairShare;
                section.put_limit(limit);
                (section.memory, section.customers_max) = (Some(memory), Some(customers_max));
            }
            AdmissionLimit::Priority { limit, reserve_high, reserve_normal } => {
                section.kind = AdmissionKind::Priority;
                section.put_limit(limit);
                (section.reserve_high, section.reserve_normal) = (Some(reserve_high), Some(reserve_normal));
            }
        }
        section
    }
}
