//! When TCP tries again, as on Linux with its default settings.
//!
//! Pure functions of time. Sources: RFC 6298 (exponential back-off of the retransmission timer) and
//! Linux's constants `TCP_RTO_MIN`, `TCP_RTO_MAX` and `tcp_syn_retries`.

use std::time::Duration;

use tokio::time::Instant;

/// The first retransmission of lost data. On links of a few milliseconds the computed timeout is below
/// Linux's minimum, so the minimum is what counts.
pub const RTO_MIN: Duration = Duration::from_millis(200);

/// The longest pause between two retransmissions.
pub const RTO_MAX: Duration = Duration::from_secs(120);

/// How often a connection attempt is repeated before it fails.
pub const SYN_RETRIES_MAX: u32 = 6;

/// When data first lost at `lost` goes out for good, if the way was free again at `healed`: at the first
/// retransmission that is not before `healed`.
#[must_use]
pub fn resumes_at(lost: Instant, healed: Instant) -> Instant {
    let mut timeout = RTO_MIN;
    let mut next = lost + timeout;
    while next < healed {
        timeout = (timeout * 2).min(RTO_MAX);
        next += timeout;
    }
    next
}

/// How long an unanswered connection attempt waits before it is repeated (or, the last time, given up):
/// 1, 2, 4 … 64 s, in all 127 s.
#[must_use]
pub fn syn_wait(attempt: u32) -> Duration {
    Duration::from_secs(1) * 2u32.pow(attempt.min(SYN_RETRIES_MAX))
}

/// When a connection attempt that nobody answers fails: after 127 s.
#[must_use]
pub fn syn_give_up() -> Duration {
    (0..=SYN_RETRIES_MAX).map(syn_wait).sum()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn lost_data_resumes_on_the_back_off_schedule_and_not_when_the_link_heals() {
        let lost = Instant::now();
        let after = |ms| lost + Duration::from_millis(ms);
        assert_eq!(resumes_at(lost, lost), after(200));
        assert_eq!(resumes_at(lost, after(200)), after(200));
        assert_eq!(resumes_at(lost, after(201)), after(600));
        assert_eq!(resumes_at(lost, after(5_000)), after(6_200));
    }

    #[test]
    fn a_connection_attempt_gives_up_after_127_seconds() {
        assert_eq!(syn_give_up(), Duration::from_secs(127));
    }

    proptest! {
        #[test]
        fn resumes_soon_after_healing_in_proportion_to_the_outage(outage_ms in 0u64..3_600_000) {
            let lost = Instant::now();
            let healed = lost + Duration::from_millis(outage_ms);
            let wait = resumes_at(lost, healed) - healed;
            let longest = (healed - lost).max(RTO_MIN) + RTO_MIN;
            prop_assert!(wait <= longest.min(RTO_MAX), "waited {wait:?} after an outage of {outage_ms} ms");
        }
    }
}
