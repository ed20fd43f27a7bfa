//! The hardship: how many payments run at once, how long one takes, and how often it goes wrong.
//!
//! A section names a profile, or states its values, or both: what is stated wins over the profile.
//! Times are `Duration`s, rates are per second.

use std::num::NonZeroU32;
use std::time::Duration;

use node::{Rng, draw};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::values::{PositiveDuration, Probability, Sigma, ValueError};
use crate::hardship::Hardship;

/// The payment model of a design.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "PaymentSection", into = "PaymentSection")]
pub struct Payment {
    /// How many payments run at once.
    pub slots: NonZeroU32,
    /// How long a payment takes; a failed one takes as long.
    pub service_time: ServiceTime,
    /// The chance of a transient failure (503, may be tried again).
    pub failure_rate: Probability,
    /// The chance of a decline (402, never tried again).
    pub decline_rate: Probability,
    /// The last part of a payment's time, in which the money has moved and nobody was told yet; none
    /// unless stated. Who crashes in it has charged and does not know.
    pub confirmation: Option<PositiveDuration>,
}

impl Payment {
    /// Successful payments per second that are possible under a hardship: slots ÷ mean service time ×
    /// (1 − failure rate). A hardship's failure rate replaces the model's own.
    ///
    /// A decline counts as a success here: the payment did its work, and the order has its answer.
    #[must_use]
    pub fn capacity_per_s(&self, hardship: &Hardship) -> f64 {
        let failure_rate = hardship.failure_rate.unwrap_or(self.failure_rate.get());
        let mean_s = self.service_time.mean().as_secs_f64() * hardship.slowdown;
        f64::from(self.slots.get()) / mean_s * (1.0 - failure_rate)
    }
}

/// How long a payment takes.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ServiceTime {
    /// Always the same.
    Constant {
        /// How long.
        value: PositiveDuration,
    },
    /// Anything between two ends, with equal chance.
    Uniform(UniformSpan),
    /// Mostly near the mean, now and then much longer: what real payments look like.
    LogNormal {
        /// The mean of the time itself, not of its logarithm.
        mean: PositiveDuration,
        /// The standard deviation of the time's logarithm.
        sigma: Sigma,
    },
    /// Memoryless: what queueing theory has formulas for.
    Exponential {
        /// The mean.
        mean: PositiveDuration,
    },
    /// No time at all: payment is no hardship, and what is left is the platform's own work.
    Instant,
}

/// What an instant payment is reckoned with where its time is a divisor: the resolution of all stamps, so that the
/// capacity stays a number.
const INSTANT: Duration = Duration::from_micros(1);

impl ServiceTime {
    /// The mean of the distribution; of an instant payment a microsecond.
    #[must_use]
    pub fn mean(&self) -> Duration {
        match self {
            Self::Constant { value } => value.get(),
            Self::Uniform(span) => (span.min.get() + span.max.get()) / 2,
            Self::LogNormal { mean, .. } | Self::Exponential { mean } => mean.get(),
            Self::Instant => INSTANT,
        }
    }

    /// Draws one service time.
    #[must_use]
    pub fn sample(&self, rng: &mut Rng) -> Duration {
        let secs = match self {
            Self::Constant { value } => return value.get(),
            Self::Instant => return Duration::ZERO,
            Self::Uniform(span) => {
                draw::uniform(rng, span.min.get().as_secs_f64(), span.max.get().as_secs_f64())
            }
            Self::LogNormal { mean, sigma } => {
                let sigma = sigma.get();
                // The mean is the median times exp(sigma² ÷ 2).
                let median = mean.get().as_secs_f64() * libm::exp(-sigma * sigma / 2.0);
                draw::log_normal(rng, median, sigma)
            }
            Self::Exponential { mean } => draw::exponential(rng, mean.get().as_secs_f64()),
        };
        Duration::from_secs_f64(secs)
    }
}

/// A span of time: `min` is not above `max`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "RawSpan")]
pub struct UniformSpan {
    min: PositiveDuration,
    max: PositiveDuration,
}

impl UniformSpan {
    /// # Errors
    /// When `min` is above `max`.
    pub fn new(min: PositiveDuration, max: PositiveDuration) -> Result<Self, ValueError> {
        if min <= max { Ok(Self { min, max }) } else { Err(ValueError::Span { min, max }) }
    }
}

/// A span as people write it.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "UniformSpan")]
struct RawSpan {
    /// The shortest.
    min: PositiveDuration,
    /// The longest.
    max: PositiveDuration,
}

impl TryFrom<RawSpan> for UniformSpan {
    type Error = ValueError;
    fn try_from(raw: RawSpan) -> Result<Self, ValueError> {
        Self::new(raw.min, raw.max)
    }
}

/// A payment model with a name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Profile {
    /// 32 slots, log-normal around 200 ms, 5 % failures: 152 orders per second.
    Ladder,
    /// 32 slots, 2 to 5 s, 30 % failures: 6.4 orders per second.
    Flaky,
    /// 1 slot, 3 s, 5 % declines: an order every three seconds.
    FlashSale,
}

impl Profile {
    /// The model behind the name.
    #[must_use]
    pub fn payment(self) -> Payment {
        let chance = |value| Probability::new(value).expect("a profile's chances are within 0 and 1");
        let slots = |value| NonZeroU32::new(value).expect("a profile has slots");
        match self {
            Self::Ladder => Payment {
                slots: slots(32),
                service_time: ServiceTime::LogNormal {
                    mean: PositiveDuration::from_millis(200),
                    sigma: Sigma::new(0.5).expect("0.5 is within 0 and 5"),
                },
                failure_rate: chance(0.05),
                decline_rate: Probability::NEVER,
                confirmation: None,
            },
            Self::Flaky => Payment {
                slots: slots(32),
                service_time: ServiceTime::Uniform(
                    UniformSpan::new(PositiveDuration::from_secs(2), PositiveDuration::from_secs(5))
                        .expect("2 s is not above 5 s"),
                ),
                failure_rate: chance(0.30),
                decline_rate: Probability::NEVER,
                confirmation: None,
            },
            Self::FlashSale => Payment {
                slots: slots(1),
                service_time: ServiceTime::Constant { value: PositiveDuration::from_secs(3) },
                failure_rate: Probability::NEVER,
                decline_rate: chance(0.05),
                confirmation: None,
            },
        }
    }
}

/// The `[payment]` section as people write it.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Payment")]
struct PaymentSection {
    /// A named model; what else is stated here wins over it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    profile: Option<Profile>,
    /// How many payments run at once.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    slots: Option<NonZeroU32>,
    /// How long a payment takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    service_time: Option<ServiceTime>,
    /// The chance of a transient failure; 0 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    failure_rate: Option<Probability>,
    /// The chance of a decline; 0 unless stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    decline_rate: Option<Probability>,
    /// The last part of a payment's time, in which the money has moved and nobody was told yet; none unless
    /// stated.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    confirmation: Option<PositiveDuration>,
}

impl TryFrom<PaymentSection> for Payment {
    type Error = &'static str;

    fn try_from(section: PaymentSection) -> Result<Self, Self::Error> {
        let base = section.profile.map(Profile::payment);
        let base = base.as_ref();
        Ok(Self {
            slots: section
                .slots
                .or(base.map(|base| base.slots))
                .ok_or("payment without a `profile` must state its `slots`")?,
            service_time: section
                .service_time
                .or_else(|| base.map(|base| base.service_time.clone()))
                .ok_or("payment without a `profile` must state its `service_time`")?,
            failure_rate: section.failure_rate.or(base.map(|base| base.failure_rate)).unwrap_or_default(),
            decline_rate: section.decline_rate.or(base.map(|base| base.decline_rate)).unwrap_or_default(),
            confirmation: section.confirmation.or(base.and_then(|base| base.confirmation)),
        })
    }
}

impl From<Payment> for PaymentSection {
    fn from(payment: Payment) -> Self {
        Self {
            profile: None,
            slots: Some(payment.slots),
            service_time: Some(payment.service_time),
            failure_rate: Some(payment.failure_rate),
            decline_rate: Some(payment.decline_rate),
            confirmation: payment.confirmation,
        }
    }
}
