//! How often an attack asks, as its flags say it: `-rate 50/1s`, or several rates in one flag.
//!
//! A ramp is a list of stages, `30s@50,1m@50..200,30s@200`. `30s@50` holds a rate, `1m@50..200` goes linearly from
//! one to the other, and `1m@..200` goes on from where the stage before has ended (from 0 when it is the first).
//! A stage at `0` is a pause.

use std::fmt;
use std::str::FromStr;
use std::time::Duration;

use thiserror::Error;

use crate::duration::{format_duration, parse_duration};
use crate::plan::STEPS_MAX;
use crate::quantity::{LoadError, RATE_MAX_PER_S, SPAN_MAX};

/// Why a rate or a ramp cannot be.
#[derive(Clone, Debug, Error, PartialEq)]
#[non_exhaustive]
pub enum RateError {
    /// Not a rate.
    #[error("`{0}` is no rate: write requests and a time, like 50/1s or 1000/1m, or a number per second")]
    Rate(String),
    /// Too high.
    #[error("a rate is at most {RATE_MAX_PER_S} per second, not {0}")]
    TooHigh(f64),
    /// Not a stage.
    #[error("`{0}` is no stage: write a duration, @ and a rate, like 30s@50, 1m@50..200 or 1m@..200")]
    Stage(String),
    /// A duration that cannot be.
    #[error(transparent)]
    Duration(#[from] LoadError),
    /// No time in it.
    #[error("the stage `{0}` takes no time")]
    Instant(String),
    /// Too many, or too long.
    #[error("a ramp has at most {STEPS_MAX} stages and lasts at most a day")]
    TooLong,
    /// Nothing to send.
    #[error("`{0}` asks for nothing at all")]
    Nothing(String),
}

/// Requests per second; 0 is as fast as they are answered.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct AttackRate(f64);

impl AttackRate {
    /// Requests per second.
    #[must_use]
    pub const fn per_s(self) -> f64 {
        self.0
    }

    /// Whether requests follow each other as fast as they are answered.
    #[must_use]
    pub fn is_unlimited(self) -> bool {
        self.0 == 0.0
    }
}

impl FromStr for AttackRate {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        if text == "infinity" {
            return Ok(Self(0.0));
        }
        per_s(text).map(Self)
    }
}

/// Stages one after the other.
#[derive(Clone, Debug, PartialEq)]
pub struct Ramp {
    stages: Vec<Stage>,
}

/// A time in which the rate goes linearly from one value to another.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Stage {
    /// How long.
    pub duration: Duration,
    /// Requests per second at its start.
    pub from_per_s: f64,
    /// Requests per second at its end.
    pub to_per_s: f64,
}

impl Ramp {
    /// The stages, in order.
    #[must_use]
    pub fn stages(&self) -> &[Stage] {
        &self.stages
    }

    /// How long they last together.
    #[must_use]
    pub fn duration(&self) -> Duration {
        self.stages.iter().map(|stage| stage.duration).sum()
    }
}

impl FromStr for Ramp {
    type Err = RateError;

    fn from_str(text: &str) -> Result<Self, RateError> {
        let mut stages: Vec<Stage> = Vec::new();
        let mut total = Duration::ZERO;
        for part in text.split(',') {
            let wrong = || RateError::Stage(part.trim().to_owned());
            let (time, rates) = part.split_once('@').ok_or_else(wrong)?;
            let duration = parse_duration(time)?;
            if duration.is_zero() {
                return Err(RateError::Instant(part.trim().to_owned()));
            }
            let before = stages.last().map_or(0.0, |stage| stage.to_per_s);
            let (from_per_s, to_per_s) = match rates.split_once("..") {
                None => (per_s(rates)?, per_s(rates)?),
                Some((from, to)) if from.trim().is_empty() => (before, per_s(to)?),
                Some((from, to)) => (per_s(from)?, per_s(to)?),
            };
            stages.push(Stage { duration, from_per_s, to_per_s });
            total = total.saturating_add(duration);
            if stages.len() > STEPS_MAX || total > SPAN_MAX {
                return Err(RateError::TooLong);
            }
        }
        if stages.iter().all(|stage| stage.from_per_s == 0.0 && stage.to_per_s == 0.0) {
            return Err(RateError::Nothing(text.to_owned()));
        }
        Ok(Self { stages })
    }
}

impl fmt::Display for Ramp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, Stage { duration, from_per_s, to_per_s }) in self.stages.iter().enumerate() {
            let comma = if index == 0 { "" } else { "," };
            write!(f, "{comma}{}@{from_per_s}", format_duration(*duration))?;
            if from_per_s != to_per_s {
                write!(f, "..{to_per_s}")?;
            }
        }
        Ok(())
    }
}

/// `50`, `50/s`, `50/1s`, `1000/1m`.
fn per_s(text: &str) -> Result<f64, RateError> {
    let wrong = || RateError::Rate(text.trim().to_owned());
    let (count, time) = text.split_once('/').unwrap_or((text, "1s"));
    let count: f64 = count.trim().parse().ok().filter(|count: &f64| count.is_finite()).ok_or_else(wrong)?;
    let time = time.trim();
    let per = match time.starts_with(|c: char| c.is_ascii_digit() || c == '.') {
        true => parse_duration(time),
        false => parse_duration(&format!("1{time}")),
    };
    let per = per.ok().filter(|per| !per.is_zero()).ok_or_else(wrong)?;
    let per_s = count / per.as_secs_f64();
    match per_s {
        // Minus zero is zero, and no rate.
        per_s if per_s < 0.0 || per_s.is_sign_negative() => Err(wrong()),
        per_s if per_s > RATE_MAX_PER_S => Err(RateError::TooHigh(per_s)),
        per_s => Ok(per_s),
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn rates_are_written_as_vegeta_writes_them() {
        for (text, per_s) in [
            ("50", 50.0),
            ("50/s", 50.0),
            ("50/1s", 50.0),
            ("600/1m", 10.0),
            ("600/m", 10.0),
            ("1/100ms", 10.0),
            ("0", 0.0),
            ("infinity", 0.0),
        ] {
            assert_eq!(text.parse::<AttackRate>().map(AttackRate::per_s), Ok(per_s), "{text}");
        }
        for bad in ["", "fast", "50/", "50/0s", "-1", "-0", "inf", "NaN", "50/1x", "2000000", "1/1ns"] {
            assert!(bad.parse::<AttackRate>().is_err(), "{bad}");
        }
    }

    #[test]
    fn stages_hold_a_rate_or_go_to_one() {
        let ramp: Ramp = "30s@50, 1m@..200,10s@0,10s@200/1s..100".parse().expect("a ramp");
        let stages: Vec<_> = ramp.stages().iter().map(|stage| (stage.from_per_s, stage.to_per_s)).collect();
        assert_eq!(stages, [(50.0, 50.0), (50.0, 200.0), (0.0, 0.0), (200.0, 100.0)]);
        assert_eq!(ramp.duration(), Duration::from_secs(110));
        assert_eq!(ramp.to_string(), "30s@50,1m0s@50..200,10s@0,10s@200..100");
        for (bad, said) in [
            ("", "is no stage"),
            ("30s", "is no stage"),
            ("30@50", "no duration"),
            ("0s@50", "takes no time"),
            ("30s@", "is no rate"),
            ("30s@50..", "is no rate"),
            ("30s@50,", "is no stage"),
            ("30s@0", "asks for nothing"),
            ("25h@1", "at most a day"),
            ("1s@2000000", "at most 1000000 per second"),
        ] {
            let error = bad.parse::<Ramp>().expect_err(bad).to_string();
            assert!(error.contains(said), "{bad}: {error}");
        }
    }

    proptest! {
        #[test]
        fn ramps_are_read_back(stages in vec((1..10_000_000_000_u64, 0..=1_000_000_u32, 1..=1_000_000_u32), 1..5)) {
            let stages = stages.into_iter().map(|(ns, from, to)| Stage {
                duration: Duration::from_nanos(ns), from_per_s: f64::from(from) / 7.0, to_per_s: f64::from(to) / 7.0,
            });
            let ramp = Ramp { stages: stages.collect() };
            prop_assert_eq!(ramp.to_string().parse::<Ramp>(), Ok(ramp));
        }

        #[test]
        fn no_text_makes_the_parsers_panic(text in "[0-9.smh@/,e+-]{0,20}|\\PC{0,12}") {
            let _either = text.parse::<Ramp>();
            let _either = text.parse::<AttackRate>();
        }
    }
}
