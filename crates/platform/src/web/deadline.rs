//! Deadlines on the wire: relative, so that clocks need not agree; each hop subtracts what it spent.
//!
//! Spoken is `x-request-timeout` in the syntax of gRPC's `grpc-timeout` (1 to 8 digits and one of
//! `H M S m u n`); `x-envoy-expected-rq-timeout-ms` is understood too, and the shorter of the two counts. A
//! header that is none is treated as absent: it must never fail a request.

use std::time::Duration;

use http::{HeaderMap, HeaderName, HeaderValue};
use resilience::timeouts::Deadline;
use tokio::time::Instant;

/// How long the caller waits.
pub(crate) const X_REQUEST_TIMEOUT: HeaderName = HeaderName::from_static("x-request-timeout");

const ENVOY_TIMEOUT_MS: &str = "x-envoy-expected-rq-timeout-ms";

const DIGITS_MAX: usize = 8;

/// The largest number that fits in [`DIGITS_MAX`] digits.
const NUMBER_MAX: u128 = 99_999_999;

/// When the caller stops waiting, as far as it says.
pub(crate) fn of(headers: &HeaderMap, now: Instant) -> Option<Deadline> {
    let ours = headers.get(X_REQUEST_TIMEOUT).and_then(|value| parse(value.as_bytes()));
    let envoys = headers.get(ENVOY_TIMEOUT_MS).and_then(|value| number(value.as_bytes()));
    let shortest = ours.into_iter().chain(envoys.map(Duration::from_millis)).min()?;
    Some(Deadline::after(now, shortest))
}

/// The header for what remains, rounded down to what the syntax can say.
pub(crate) fn header(remaining: Duration) -> HeaderValue {
    let (number, unit) = match (remaining.as_micros(), remaining.as_millis()) {
        (micros, _) if micros <= NUMBER_MAX => (micros, 'u'),
        (_, millis) if millis <= NUMBER_MAX => (millis, 'm'),
        _ => (u128::from(remaining.as_secs()).min(NUMBER_MAX), 'S'),
    };
    HeaderValue::try_from(format!("{number}{unit}")).expect("digits and a letter can stand in a header")
}

fn parse(value: &[u8]) -> Option<Duration> {
    let (unit, digits) = value.split_last()?;
    let number = number(digits)?;
    Some(match unit {
        b'H' => Duration::from_secs(number * 3600),
        b'M' => Duration::from_secs(number * 60),
        b'S' => Duration::from_secs(number),
        b'm' => Duration::from_millis(number),
        b'u' => Duration::from_micros(number),
        b'n' => Duration::from_nanos(number),
        _ => return None,
    })
}

fn number(digits: &[u8]) -> Option<u64> {
    if !(1..=DIGITS_MAX).contains(&digits.len()) || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    std::str::from_utf8(digits).ok()?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_can_be_read() {
        for (remaining, text) in [
            (Duration::from_micros(1_950_000), "1950000u"),
            (Duration::from_secs(100), "100000m"),
            (Duration::from_secs(200_000), "200000S"),
        ] {
            assert_eq!(header(remaining), text);
            assert_eq!(parse(text.as_bytes()), Some(remaining));
        }
    }

    #[test]
    fn every_unit_is_understood_and_nothing_else() {
        let seconds = |text: &str| parse(text.as_bytes()).map(|duration| duration.as_secs_f64());
        assert_eq!((seconds("1H"), seconds("2M"), seconds("3S")), (Some(3600.0), Some(120.0), Some(3.0)));
        assert_eq!((seconds("4m"), seconds("5u"), seconds("6n")), (Some(0.004), Some(0.000_005), Some(6e-9)));
        for text in ["", "S", "1", "1s", "-1S", "123456789S", "1.5S", " 1S"] {
            assert_eq!(parse(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn the_shorter_of_two_headers_counts() {
        let now = Instant::now();
        let headers = |pairs: &[(&'static str, &'static str)]| {
            let pair = |(name, value): &(&'static str, &'static str)| {
                (HeaderName::from_static(name), HeaderValue::from_static(value))
            };
            pairs.iter().map(pair).collect::<HeaderMap>()
        };
        let both = headers(&[("x-request-timeout", "2S"), ("x-envoy-expected-rq-timeout-ms", "500")]);
        assert_eq!(of(&both, now), Some(Deadline::after(now, Duration::from_millis(500))));
        assert_eq!(of(&headers(&[("x-request-timeout", "soon")]), now), None);
        assert_eq!(of(&HeaderMap::new(), now), None);
    }
}
