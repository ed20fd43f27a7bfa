//! How far a clock jumps: a duration that knows its direction.

use std::{borrow::Cow, fmt, str::FromStr, time::Duration};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// The farthest jump, either way.
const MAX: Duration = Duration::from_secs(366 * 24 * 60 * 60);

/// A jump of a clock, ahead or back; at most a year. Written `30s`, `+30s` or `-1h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Shift {
    us: i64,
}

impl Shift {
    /// Ahead by so much, at most a year.
    #[must_use]
    pub fn ahead(by: Duration) -> Self {
        Self {
            us: i64::try_from(by.min(MAX).as_micros()).expect("a year of microseconds is no large number"),
        }
    }

    /// Back by so much, at most a year.
    #[must_use]
    pub fn back(by: Duration) -> Self {
        Self::ahead(by).reversed()
    }

    /// The jump that undoes this one.
    #[must_use]
    pub const fn reversed(self) -> Self {
        Self { us: -self.us }
    }

    /// In microseconds; negative for a jump back.
    #[must_use]
    pub const fn us(self) -> i64 {
        self.us
    }
}

impl fmt::Display for Shift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = if self.us < 0 { '-' } else { '+' };
        write!(f, "{sign}{}", humantime::format_duration(Duration::from_micros(self.us.unsigned_abs())))
    }
}

impl FromStr for Shift {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let (back, by) = match text.trim().strip_prefix('-') {
            Some(by) => (true, by),
            None => (false, text.trim().trim_start_matches('+')),
        };
        match humantime::parse_duration(by) {
            Ok(by) if by.is_zero() || by > MAX => {
                Err(format!("a clock jumps by more than nothing and at most a year, not by {text}"))
            }
            Ok(by) => Ok(if back { Self::back(by) } else { Self::ahead(by) }),
            Err(_) => Err(format!("`{text}` is no jump of a clock: write +30s or -1h")),
        }
    }
}

impl TryFrom<String> for Shift {
    type Error = String;

    fn try_from(text: String) -> Result<Self, String> {
        text.parse()
    }
}

impl From<Shift> for String {
    fn from(shift: Shift) -> Self {
        shift.to_string()
    }
}

/// As it is written.
impl JsonSchema for Shift {
    fn schema_name() -> Cow<'static, str> {
        "Shift".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "description": "How far a clock jumps, ahead or back, for example +30s or -1h." })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_reversed() {
        for (text, us, said) in
            [("30s", 30_000_000, "+30s"), ("+1ms", 1_000, "+1ms"), ("-1h", -3_600_000_000, "-1h")]
        {
            let shift: Shift = text.parse().unwrap();
            assert_eq!((shift.us(), shift.to_string().as_str()), (us, said));
            assert_eq!(shift.reversed().us(), -us);
            assert_eq!(said.parse(), Ok(shift));
        }
    }

    #[test]
    fn what_is_no_jump_is_refused() {
        for text in ["", "0s", "-0s", "soon", "--1s", "400days", "1"] {
            assert!(text.parse::<Shift>().is_err(), "{text}");
        }
    }
}
