//! `[breaker]`: leave payment alone when it fails, and find out cheaply when it is back.

use std::num::NonZeroU32;

use resilience::Ratio;
use resilience::breaker::{Breaker as Policy, BreakerLimits, SlowLimit, Window};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{PositiveDuration, Probability};

/// order-processor's breaker before payment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "BreakerSection", into = "BreakerSection")]
pub struct Breaker {
    section: BreakerSection,
    limits: BreakerLimits,
}

impl Breaker {
    /// The limits, which do not contradict themselves.
    #[must_use]
    pub const fn limits(&self) -> BreakerLimits {
        self.limits
    }
}

/// The `[breaker]` section as people write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Breaker")]
struct BreakerSection {
    /// Judges the calls of the last so long; or else `window_calls`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window: Option<PositiveDuration>,
    /// Judges the last so many calls; or else `window`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    window_calls: Option<NonZeroU32>,
    /// Fewer calls than that are not judged.
    calls_min: NonZeroU32,
    /// Opens at this share of failures.
    failure_rate: Probability,
    /// A call that takes longer is slow; with `slow_rate`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slow_after: Option<PositiveDuration>,
    /// Opens at this share of slow calls; with `slow_after`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slow_rate: Option<Probability>,
    /// How long it is open the first time.
    open: PositiveDuration,
    /// How long at most; it doubles from `open` for as long as probes fail. As `open` unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    open_max: Option<PositiveDuration>,
    /// Calls let through to find out, at once and in all, while half-open.
    probes: NonZeroU32,
    /// Probes that are not answered within this have failed.
    probe_max: PositiveDuration,
}

impl TryFrom<BreakerSection> for Breaker {
    type Error = String;

    fn try_from(section: BreakerSection) -> Result<Self, String> {
        let window = match (section.window, section.window_calls) {
            (Some(window), None) => Window::Time(window.get()),
            (None, Some(calls)) => Window::Calls(calls),
            _ => return Err("a breaker takes one of `window` and `window_calls`".to_owned()),
        };
        let slow = match (section.slow_after, section.slow_rate) {
            (Some(after), Some(rate)) => Some(SlowLimit { longer_than: after.get(), ratio: ratio(rate)? }),
            (None, None) => None,
            _ => return Err("`slow_after` and `slow_rate` come together or not at all".to_owned()),
        };
        let limits = BreakerLimits {
            window,
            calls_min: section.calls_min,
            failure_ratio: ratio(section.failure_rate)?,
            slow,
            open: section.open.get(),
            open_max: section.open_max.unwrap_or(section.open).get(),
            probes: section.probes,
            probe_max: section.probe_max.get(),
        };
        Policy::new(limits).map_err(|error| error.to_string())?;
        Ok(Self { section, limits })
    }
}

impl From<Breaker> for BreakerSection {
    fn from(breaker: Breaker) -> Self {
        breaker.section
    }
}

fn ratio(share: Probability) -> Result<Ratio, String> {
    Ratio::new(share.get()).map_err(|error| error.to_string())
}
