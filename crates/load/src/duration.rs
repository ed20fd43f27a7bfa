//! Durations as load testers write them: `1m30s`, `1.5s`, `100ms`, `250µs`. The grammar and the output are those of
//! Go's `time.Duration`, so that flags, bucket lists and reports read as vegeta's; spaces between the parts are
//! allowed as well, as elsewhere in this program.

use std::time::Duration;

use crate::quantity::LoadError;

/// Units from the longest to the shortest, in nanoseconds. `µ` has two code points, and a spelling without it.
const UNITS: [(&str, u64); 8] = [
    ("h", 3_600_000_000_000),
    ("ms", 1_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ns", 1),
];

/// Reads a duration: numbers with units, or a bare `0`.
///
/// # Errors
/// When it is negative, has no unit, or is longer than 2^63 nanoseconds (292 years).
pub fn parse_duration(text: &str) -> Result<Duration, LoadError> {
    let wrong = || LoadError::DurationSyntax(text.to_owned());
    let mut rest = text.trim();
    if rest.starts_with('-') {
        return Err(LoadError::Negative(text.to_owned()));
    }
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(wrong());
    }
    let mut total_ns: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.').ok_or_else(wrong)?;
        let (number, after) = rest.split_at(digits);
        let (unit, unit_ns) =
            UNITS.iter().find(|(unit, _)| is_unit(after, unit)).copied().ok_or_else(wrong)?;
        let part_ns = scaled(number, unit_ns).ok_or_else(wrong)?;
        total_ns = total_ns.checked_add(part_ns).ok_or_else(wrong)?;
        rest = after[unit.len()..].trim_start();
    }
    if i64::try_from(total_ns).is_err() { Err(wrong()) } else { Ok(Duration::from_nanos(total_ns)) }
}

/// Whether the text goes on with this unit, and not with a longer one that begins like it.
fn is_unit(text: &str, unit: &str) -> bool {
    let next = text.strip_prefix(unit).map(|after| after.chars().next());
    matches!(next, Some(None)) || matches!(next, Some(Some(c)) if c.is_ascii_digit() || c == '.' || c == ' ')
}

/// `number` × `unit_ns`, exactly, but for what is less than a nanosecond.
fn scaled(number: &str, unit_ns: u64) -> Option<u64> {
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    if (whole.is_empty() && fraction.is_empty()) || fraction.contains('.') {
        return None;
    }
    let whole: u64 = if whole.is_empty() { 0 } else { whole.parse().ok()? };
    let mut total_ns = whole.checked_mul(unit_ns)?;
    let mut place_ns = unit_ns as f64;
    let mut fraction_ns = 0.0;
    for digit in fraction.bytes() {
        place_ns /= 10.0;
        fraction_ns += f64::from(digit - b'0') * place_ns;
    }
    // Digits such as those of 0.3 have no exact binary form: a hair below a nanosecond is that nanosecond.
    total_ns = total_ns.checked_add((fraction_ns + 1e-6) as u64)?;
    Some(total_ns)
}

/// A duration as Go prints it: `1m0.5s`, `1.952s`, `543.485µs`, `0s`.
#[must_use]
pub fn format_duration(duration: Duration) -> String {
    let ns = duration.as_nanos();
    let (divisor, unit) = match ns {
        0 => return "0s".to_owned(),
        1..1_000 => (1, "ns"),
        1_000..1_000_000 => (1_000, "µs"),
        1_000_000..1_000_000_000 => (1_000_000, "ms"),
        _ => {
            let (hours, minutes) = (ns / 3_600_000_000_000, ns / 60_000_000_000 % 60);
            let seconds = decimal(ns % 60_000_000_000, 1_000_000_000);
            return match (hours, minutes) {
                (0, 0) => format!("{seconds}s"),
                (0, minutes) => format!("{minutes}m{seconds}s"),
                (hours, minutes) => format!("{hours}h{minutes}m{seconds}s"),
            };
        }
    };
    format!("{}{unit}", decimal(ns, divisor))
}

/// `value` ÷ `divisor` without trailing zeros; the divisor is a power of ten.
fn decimal(value: u128, divisor: u128) -> String {
    let places = divisor.ilog10() as usize;
    if value.is_multiple_of(divisor) {
        return (value / divisor).to_string();
    }
    let text = format!("{}.{:0places$}", value / divisor, value % divisor);
    text.trim_end_matches('0').to_owned()
}

/// Rounded to the next smaller unit, as vegeta's reports are: seconds to milliseconds, milliseconds to microseconds.
#[must_use]
pub fn rounded(duration: Duration) -> Duration {
    let ns = u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX);
    let step_ns: u64 = match ns {
        0..1_000_000 => 1,
        1_000_000..1_000_000_000 => 1_000,
        1_000_000_000..60_000_000_000 => 1_000_000,
        60_000_000_000..3_600_000_000_000 => 1_000_000_000,
        _ => 60_000_000_000,
    };
    Duration::from_nanos(ns.saturating_add(step_ns / 2) / step_ns * step_ns)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_go_and_as_people_write_them() {
        for (text, ns) in [
            ("0", 0),
            ("0s", 0),
            ("30s", 30_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1m 30s", 90_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5ms", 500_000),
            ("1h0m0.3s", 3_600_300_000_000),
            ("250µs", 250_000),
            ("250us", 250_000),
            ("7ns", 7),
        ] {
            assert_eq!(parse_duration(text), Ok(Duration::from_nanos(ns)), "{text}");
        }
        for bad in ["", "5", "s", "-1s", "1.2.3s", ".s", "1x", "1ss", "99999999999h", "1h-2m", "١s"] {
            assert!(parse_duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn durations_are_printed_as_go_prints_them() {
        for (ns, text) in [
            (0, "0s"),
            (999, "999ns"),
            (543_485, "543.485µs"),
            (800_059_000, "800.059ms"),
            (1_952_000_000, "1.952s"),
            (60_500_000_000, "1m0.5s"),
            (3_600_000_000_000, "1h0m0s"),
        ] {
            assert_eq!(format_duration(Duration::from_nanos(ns)), text);
        }
    }

    #[test]
    fn reports_round_to_the_next_smaller_unit() {
        for (ns, text) in [
            (543_485, "543.485µs"),
            (1_040_121, "1.04ms"),
            (1_952_400_123, "1.952s"),
            (61_400_000_000, "1m1s"),
        ] {
            assert_eq!(format_duration(rounded(Duration::from_nanos(ns))), text);
        }
    }

    proptest! {
        #[test]
        fn what_is_printed_is_read_back(ns in 0..=i64::MAX as u64) {
            let duration = Duration::from_nanos(ns);
            prop_assert_eq!(parse_duration(&format_duration(duration)), Ok(duration));
        }

        #[test]
        fn no_text_makes_the_parser_panic(text in "\\PC{0,24}|[0-9.hmsnuµ -]{0,24}") {
            let _either = parse_duration(&text);
        }
    }
}
