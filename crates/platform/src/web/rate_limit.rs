//! `RateLimit-Policy` and `RateLimit`: what is left of a limit, as structured fields (IETF draft).
//!
//! ```text
//! RateLimit-Policy: "rate";q=100;w=60                           a quota of 100 that refills from nothing in 60 s
//! RateLimit: "rate";r=50;t=30                                   50 of it are left, and in 30 s all of it is
//! RateLimit-Policy: "concurrency";q=64;qu="concurrent-requests"   64 at once; places come back, so there is no window
//! RateLimit: "concurrency";r=12
//! ```
//!
//! Seconds are whole and rounded up. A bucket gives its quota back bit by bit: `t` is when all of it is there again,
//! `Retry-After` of a refusal, which counts more, when the next order may come. What is left of a concurrency limit is
//! left for all clients together, and may be gone when the next request comes.

use std::fmt::Write as _;
use std::time::Duration;

use http::{HeaderName, HeaderValue};
use resilience::admission::Quota;

/// The limit.
pub(crate) const RATE_LIMIT_POLICY: HeaderName = HeaderName::from_static("ratelimit-policy");

/// What is left of it.
pub(crate) const RATE_LIMIT: HeaderName = HeaderName::from_static("ratelimit");

/// The limit as a header.
pub(crate) fn policy(quota: &Quota) -> HeaderValue {
    header(match quota.window {
        Some(window) => format!("\"rate\";q={};w={}", quota.most, seconds(window).max(1)),
        None => format!("\"concurrency\";q={};qu=\"concurrent-requests\"", quota.most),
    })
}

/// What is left of it as a header.
pub(crate) fn left(quota: &Quota) -> HeaderValue {
    let name = if quota.window.is_some() { "rate" } else { "concurrency" };
    let mut text = format!("\"{name}\";r={}", quota.left);
    if let Some(whole_in) = quota.whole_in {
        let _infallible = write!(text, ";t={}", seconds(whole_in));
    }
    header(text)
}

fn header(text: String) -> HeaderValue {
    HeaderValue::try_from(text).expect("names and numbers can stand in a header")
}

/// Whole seconds, rounded up.
const fn seconds(duration: Duration) -> u64 {
    duration.as_secs().saturating_add((duration.subsec_nanos() > 0) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_has_a_window_and_a_time_and_a_concurrency_limit_has_neither() {
        let window = Some(Duration::from_millis(1_500));
        let rate = Quota { most: 3, left: 0, window, whole_in: Some(Duration::from_millis(1_001)) };
        assert_eq!(policy(&rate), "\"rate\";q=3;w=2");
        assert_eq!(left(&rate), "\"rate\";r=0;t=2");
        let fast = Quota { window: Some(Duration::from_millis(1)), whole_in: Some(Duration::ZERO), ..rate };
        assert_eq!(
            (policy(&fast), left(&fast)),
            (header("\"rate\";q=3;w=1".to_owned()), header("\"rate\";r=0;t=0".to_owned()))
        );
        let places = Quota::of_places(64, 52);
        assert_eq!(policy(&places), "\"concurrency\";q=64;qu=\"concurrent-requests\"");
        assert_eq!(left(&places), "\"concurrency\";r=12");
    }
}
