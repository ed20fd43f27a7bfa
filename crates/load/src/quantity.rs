//! Rates and durations that cannot be wrong.
//!
//! Checked where they are parsed, so that an error in a file names its line, and nowhere again.

use std::borrow::Cow;
use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::arrivals::ARRIVALS_MAX;
use crate::plan::{STEPS_MAX, USERS_MAX};

/// The highest [`Rate`]: beyond it, arrivals would be closer than a microsecond.
pub const RATE_MAX_PER_S: f64 = 1e6;

/// The longest [`Span`].
pub const SPAN_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// Why a load cannot be.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum LoadError {
    /// Zero, negative, infinite, not a number, or too high.
    #[error("a rate must be above 0 and at most {RATE_MAX_PER_S} per second, not {0}")]
    Rate(f64),
    /// Not a number at all.
    #[error("`{0}` is no rate: write a number of orders per second, like 200 or 0.5")]
    RateSyntax(String),
    /// Zero, or too long.
    #[error("a duration must be above zero and at most {}, not {}", humantime::format_duration(SPAN_MAX), humantime::format_duration(*.0))]
    Span(Duration),
    /// Less than nothing.
    #[error("a duration cannot be negative, as `{0}` is")]
    Negative(String),
    /// Not a duration at all.
    #[error("`{0}` is no duration: write it with its unit, like 20s, 500ms or 1m 30s")]
    DurationSyntax(String),
    /// A field that this kind of load needs is not there.
    #[error("a {kind} load needs `{field}`")]
    Missing {
        /// The kind of load.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A field that this kind of load does not have is there.
    #[error("a {kind} load has no `{field}`")]
    Surplus {
        /// The kind of load.
        kind: &'static str,
        /// The field.
        field: &'static str,
    },
    /// A burst that is not over when the load is.
    #[error("the burst ends at {}, after the load's {}", humantime::format_duration(*.burst_end), humantime::format_duration(*.duration))]
    BurstBeyondLoad {
        /// When the burst would end.
        burst_end: Duration,
        /// How long the load is.
        duration: Duration,
    },
    /// No steps, or too many.
    #[error("a load has 1 to {STEPS_MAX} steps, not {steps}")]
    Steps {
        /// How many.
        steps: usize,
    },
    /// More users than there may be orders under way.
    #[error("a load has at most {USERS_MAX} users, not {users}")]
    Users {
        /// How many.
        users: u32,
    },
    /// A least time to think above the longest.
    #[error("a user thinks for at least {} and at most {}, which is less", humantime::format_duration(*.min), humantime::format_duration(*.max))]
    Think {
        /// At least.
        min: Duration,
        /// At most.
        max: Duration,
    },
    /// A format of result files that is Go's own.
    #[error(
        "the gob encoding is Go's own and not supported: write json or csv (`vegeta encode --to json` converts)"
    )]
    Gob,
    /// A format of result files that there is not.
    #[error("`{0}` is no format of results: json or csv")]
    HitFormat(String),
    /// More orders than a run can hold.
    #[error("the load asks for about {expected} orders: at most {ARRIVALS_MAX} fit in a run")]
    TooMany {
        /// Rate × duration.
        expected: u64,
    },
}

/// Orders per second: above 0, at most [`RATE_MAX_PER_S`].
#[derive(Clone, Copy, Debug, PartialEq, PartialOrd, Serialize, Deserialize)]
#[serde(try_from = "f64", into = "f64")]
pub struct Rate(f64);

impl Rate {
    /// A rate.
    ///
    /// # Errors
    /// When it is zero, negative, not finite, or above [`RATE_MAX_PER_S`].
    pub fn new(per_s: f64) -> Result<Self, LoadError> {
        if per_s > 0.0 && per_s <= RATE_MAX_PER_S { Ok(Self(per_s)) } else { Err(LoadError::Rate(per_s)) }
    }

    /// Orders per second.
    #[must_use]
    pub const fn per_s(self) -> f64 {
        self.0
    }
}

impl TryFrom<f64> for Rate {
    type Error = LoadError;

    fn try_from(per_s: f64) -> Result<Self, LoadError> {
        Self::new(per_s)
    }
}

impl From<Rate> for f64 {
    fn from(rate: Rate) -> Self {
        rate.0
    }
}

impl FromStr for Rate {
    type Err = LoadError;

    fn from_str(text: &str) -> Result<Self, LoadError> {
        let per_s = text.trim().parse().map_err(|_not_a_number| LoadError::RateSyntax(text.to_owned()))?;
        Self::new(per_s)
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/s", self.0)
    }
}

impl JsonSchema for Rate {
    fn schema_name() -> Cow<'static, str> {
        "Rate".into()
    }

    fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "description": "Orders per second.",
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": RATE_MAX_PER_S,
        })
    }
}

/// How long something lasts: above zero, at most [`SPAN_MAX`]. Written as `20s` or `1m 30s`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Span(Duration);

impl Span {
    /// A span.
    ///
    /// # Errors
    /// When it is zero or longer than [`SPAN_MAX`].
    pub fn new(duration: Duration) -> Result<Self, LoadError> {
        if duration.is_zero() || duration > SPAN_MAX {
            Err(LoadError::Span(duration))
        } else {
            Ok(Self(duration))
        }
    }

    /// The duration.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// When something begins, from the start of the load: zero or more, at most [`SPAN_MAX`]. Written as `5s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Offset(Duration);

impl Offset {
    /// An offset.
    ///
    /// # Errors
    /// When it is longer than [`SPAN_MAX`].
    pub fn new(duration: Duration) -> Result<Self, LoadError> {
        if duration > SPAN_MAX { Err(LoadError::Span(duration)) } else { Ok(Self(duration)) }
    }

    /// The duration from the start of the load.
    #[must_use]
    pub const fn get(self) -> Duration {
        self.0
    }
}

/// What [`Span`] and [`Offset`] share: the text form.
macro_rules! written_as_text {
    ($type:ident, $description:literal) => {
        impl FromStr for $type {
            type Err = LoadError;

            fn from_str(text: &str) -> Result<Self, LoadError> {
                Self::new(duration(text)?)
            }
        }

        impl TryFrom<String> for $type {
            type Error = LoadError;

            fn try_from(text: String) -> Result<Self, LoadError> {
                text.parse()
            }
        }

        impl From<$type> for String {
            fn from(value: $type) -> Self {
                value.to_string()
            }
        }

        impl fmt::Display for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                humantime::format_duration(self.0).fmt(f)
            }
        }

        impl JsonSchema for $type {
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }

            fn json_schema(_generator: &mut SchemaGenerator) -> Schema {
                json_schema!({ "description": $description, "type": "string", "examples": ["20s", "1m 30s"] })
            }
        }
    };
}

written_as_text!(Span, "How long: a number with its unit, above zero.");
written_as_text!(Offset, "When, from the start of the load: a number with its unit.");

fn duration(text: &str) -> Result<Duration, LoadError> {
    let text = text.trim();
    if text.starts_with('-') {
        return Err(LoadError::Negative(text.to_owned()));
    }
    humantime::parse_duration(text).map_err(|_syntax| LoadError::DurationSyntax(text.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_is_positive_finite_and_bounded() {
        for bad in [0.0, -0.0, -1.0, f64::NAN, f64::INFINITY, f64::NEG_INFINITY, RATE_MAX_PER_S + 1.0] {
            assert!(Rate::new(bad).is_err(), "{bad}");
        }
        assert_eq!(Rate::new(RATE_MAX_PER_S).map(Rate::per_s), Ok(RATE_MAX_PER_S));
        assert_eq!("0.5".parse::<Rate>().map(Rate::per_s), Ok(0.5));
    }

    #[test]
    fn a_span_is_positive_and_bounded() {
        for bad in ["0s", "-5s", "- 5s", "inf", "20", "", "s", "25h"] {
            assert!(bad.parse::<Span>().is_err(), "{bad}");
        }
        assert_eq!("1m 30s".parse::<Span>().map(Span::get), Ok(Duration::from_secs(90)));
        assert_eq!("0s".parse::<Offset>().map(Offset::get), Ok(Duration::ZERO));
    }

    #[test]
    fn errors_say_what_would_be_right() {
        let message = |error: Option<LoadError>| error.expect("it is wrong").to_string();
        assert_eq!(
            message(Rate::new(0.0).err()),
            "a rate must be above 0 and at most 1000000 per second, not 0"
        );
        assert_eq!(message("-5s".parse::<Span>().err()), "a duration cannot be negative, as `-5s` is");
        assert_eq!(
            message("0s".parse::<Span>().err()),
            "a duration must be above zero and at most 1day, not 0s"
        );
        assert_eq!(
            message("soon".parse::<Span>().err()),
            "`soon` is no duration: write it with its unit, like 20s, 500ms or 1m 30s"
        );
    }
}
