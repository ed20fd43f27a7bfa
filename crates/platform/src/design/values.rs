//! Values that cannot be wrong: each checks itself while it is read, so that the error has a line.

use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// Why a value of a design was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum ValueError {
    /// Not within 0 and 1.
    #[error("{0} is no probability: it must be between 0 and 1")]
    Probability(f64),
    /// Not within a millionth and a million.
    #[error("{0} is no rate: it must be between 0.000001 and 1000000 per second")]
    Rate(f64),
    /// Not within 1 and 1000.
    #[error("{0} is no multiplier: it must be between 1 and 1000")]
    Multiplier(f64),
    /// Not within 0 and 5.
    #[error("{0} is no sigma: it must be between 0 and 5")]
    Sigma(f64),
    /// Not a duration as people write it.
    #[error("{text:?} is no duration such as \"200ms\" or \"1s\": {reason}")]
    Duration {
        /// What was written.
        text: String,
        /// What is wrong with it.
        reason: String,
    },
    /// A span whose end comes before its start.
    #[error("min is {min}, which is above max, {max}")]
    Span {
        /// The lower end.
        min: PositiveDuration,
        /// The upper end.
        max: PositiveDuration,
    },
    /// Not within 1 and [`REPLICAS_MAX`](super::REPLICAS_MAX).
    #[error("{0} is no number of replicas: it must be between 1 and {max}", max = super::REPLICAS_MAX)]
    Replicas(u32),
}

/// A chance between 0 and 1, both included.
#[derive(Clone, Copy, Debug, Default, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Probability(f64);

impl Probability {
    /// The chance of what never happens.
    pub const NEVER: Self = Self(0.0);

    /// The chance of what always happens.
    pub const ALWAYS: Self = Self(1.0);

    /// # Errors
    /// When the value is not within 0 and 1.
    pub fn new(value: f64) -> Result<Self, ValueError> {
        if (0.0..=1.0).contains(&value) { Ok(Self(value)) } else { Err(ValueError::Probability(value)) }
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// So many per second: from a millionth to a million.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct PositiveRate(f64);

impl PositiveRate {
    /// # Errors
    /// When the value is not within 0.000001 and 1,000,000.
    pub fn new(per_s: f64) -> Result<Self, ValueError> {
        if (1e-6..=1e6).contains(&per_s) { Ok(Self(per_s)) } else { Err(ValueError::Rate(per_s)) }
    }

    /// The value, per second.
    #[must_use]
    pub const fn per_s(self) -> f64 {
        self.0
    }
}

/// So many times as much: 1 to 1000.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Multiplier(f64);

impl Multiplier {
    /// Twice as much.
    pub const TWO: Self = Self(2.0);

    /// # Errors
    /// When the value is not within 1 and 1000.
    pub fn new(times: f64) -> Result<Self, ValueError> {
        if (1.0..=1000.0).contains(&times) { Ok(Self(times)) } else { Err(ValueError::Multiplier(times)) }
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// The spread of a log-normal distribution, 0 to 5: the standard deviation of the value's logarithm.
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Sigma(f64);

impl Sigma {
    /// # Errors
    /// When the value is not within 0 and 5.
    pub fn new(value: f64) -> Result<Self, ValueError> {
        if (0.0..=5.0).contains(&value) { Ok(Self(value)) } else { Err(ValueError::Sigma(value)) }
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> f64 {
        self.0
    }
}

/// A duration above zero and at most a day, written as people write it: `200ms`, `1s`, `2m 30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct PositiveDuration(Duration);

impl PositiveDuration {
    /// The longest that makes sense here.
    pub const MAX: Duration = Duration::from_secs(86_400);

    /// So many whole seconds; at least 1 and at most a day.
    #[must_use]
    pub const fn from_secs(secs: u64) -> Self {
        assert!(secs > 0 && secs <= Self::MAX.as_secs(), "a duration is above zero and at most a day");
        Self(Duration::from_secs(secs))
    }

    /// So many milliseconds; at least 1 and at most a day.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        assert!(
            millis > 0 && millis <= Self::MAX.as_secs() * 1000,
            "a duration is above zero and at most a day"
        );
        Self(Duration::from_millis(millis))
    }

    /// The value.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

impl std::fmt::Display for PositiveDuration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        humantime::format_duration(self.0).fmt(f)
    }
}

impl TryFrom<f64> for Probability {
    type Error = ValueError;
    fn try_from(value: f64) -> Result<Self, ValueError> {
        Self::new(value)
    }
}

impl TryFrom<f64> for PositiveRate {
    type Error = ValueError;
    fn try_from(value: f64) -> Result<Self, ValueError> {
        Self::new(value)
    }
}

impl TryFrom<f64> for Multiplier {
    type Error = ValueError;
    fn try_from(value: f64) -> Result<Self, ValueError> {
        Self::new(value)
    }
}

impl TryFrom<f64> for Sigma {
    type Error = ValueError;
    fn try_from(value: f64) -> Result<Self, ValueError> {
        Self::new(value)
    }
}

impl TryFrom<String> for PositiveDuration {
    type Error = ValueError;
    fn try_from(text: String) -> Result<Self, ValueError> {
        let reason = match humantime::parse_duration(&text) {
            Ok(value) if value.is_zero() => "it must be above zero".to_owned(),
            Ok(value) if value > Self::MAX => "it must be at most a day".to_owned(),
            Ok(value) => return Ok(Self(value)),
            Err(error) => error.to_string(),
        };
        Err(ValueError::Duration { text, reason })
    }
}

impl From<Probability> for f64 {
    fn from(value: Probability) -> Self {
        value.0
    }
}

impl From<PositiveRate> for f64 {
    fn from(value: PositiveRate) -> Self {
        value.0
    }
}

impl From<Multiplier> for f64 {
    fn from(value: Multiplier) -> Self {
        value.0
    }
}

impl From<Sigma> for f64 {
    fn from(value: Sigma) -> Self {
        value.0
    }
}

impl From<PositiveDuration> for String {
    fn from(value: PositiveDuration) -> Self {
        value.to_string()
    }
}

/// The schema of each value is its wire form with its range, written out in place.
macro_rules! schema {
    ($type:ty, $name:literal, $schema:tt) => {
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> std::borrow::Cow<'static, str> {
                $name.into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!($schema)
            }
        }
    };
}

schema!(Probability, "Probability", { "type": "number", "minimum": 0, "maximum": 1 });
schema!(PositiveRate, "PositiveRate", { "type": "number", "minimum": 0.000_001, "maximum": 1_000_000 });
schema!(Multiplier, "Multiplier", { "type": "number", "minimum": 1, "maximum": 1000 });
schema!(Sigma, "Sigma", { "type": "number", "minimum": 0, "maximum": 5 });
schema!(PositiveDuration, "PositiveDuration", {
    "type": "string", "description": "a duration above zero, such as \"200ms\" or \"1s\""
});
