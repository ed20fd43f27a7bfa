//! The policies by themselves: no runtime, no clock.

use proptest::prelude::*;

use super::*;
use crate::refusal::Reason;

const HINT: Duration = Duration::from_secs(1);

fn rate(per_s: f64) -> Rate {
    Rate::per_second(per_s).expect("a valid rate")
}

fn burst(tokens: u32) -> NonZeroU32 {
    NonZeroU32::new(tokens).expect("not zero")
}

const fn ns(nanos: u64) -> Duration {
    Duration::from_nanos(nanos)
}

fn wait_of(bucket: &mut TokenBucket, now: Duration) -> Duration {
    let refusal = bucket.admit(now).expect_err("the bucket is empty");
    assert_eq!(refusal.reason, Reason::RateLimit);
    refusal.retry_after
}

#[test]
fn what_is_left_of_a_rate_and_when_it_is_whole_again_is_told() {
    let rate = Rate::per_second(2.0).expect("valid");
    let (mut tokens, mut leaky) = (Limiter::rate(rate, BURST), Limiter::leaky(rate, BURST));
    let secs = Duration::from_secs_f64;
    for limiter in [&mut tokens, &mut leaky] {
        let full = Quota { most: 4, left: 4, window: Some(secs(2.0)), whole_in: Some(Duration::ZERO) };
        assert_eq!(limiter.quota(secs(1.0), 0), full);
        for _ in 0..3 {
            limiter.admit(secs(1.0), 0).expect("within the burst");
        }
        assert_eq!(limiter.quota(secs(1.0), 3), Quota { left: 1, whole_in: Some(secs(1.5)), ..full });
        assert_eq!(limiter.quota(secs(1.5), 3), Quota { left: 2, whole_in: Some(secs(1.0)), ..full });
        assert_eq!(limiter.quota(secs(60.0), 3), full);
    }
    let places = Limiter::concurrency(3, Duration::from_secs(1));
    assert_eq!(places.quota(Duration::ZERO, 2), Quota { most: 3, left: 1, window: None, whole_in: None });
    assert_eq!(places.quota(Duration::ZERO, 5).left, 0, "a limit that was lowered");
}

const BURST: NonZeroU32 = NonZeroU32::new(4).expect("not zero");

#[test]
fn admits_below_the_limit_and_refuses_at_it() {
    let mut limiter = Limiter::concurrency(2, HINT);
    let refusal = Refusal { reason: Reason::ConcurrencyLimit, retry_after: HINT };
    let answers: Vec<_> = (0..4).map(|in_flight| limiter.admit(Duration::ZERO, in_flight)).collect();
    assert_eq!(answers, [Ok(()), Ok(()), Err(refusal), Err(refusal)]);
}

#[test]
fn a_limit_of_zero_refuses_everything() {
    assert!(Limiter::concurrency(0, HINT).admit(Duration::ZERO, 0).is_err());
}

#[test]
fn a_full_bucket_lets_its_burst_through_at_once() {
    let mut bucket = TokenBucket::full(rate(10.0), burst(3));
    let admitted = (0..5).filter(|_| bucket.admit(Duration::ZERO).is_ok()).count();
    assert_eq!(admitted, 3);
    assert_eq!(bucket.available(Duration::ZERO), 0);
    assert_eq!(bucket.available(Duration::from_millis(250)), 2);
}

#[test]
fn says_exactly_when_the_next_token_comes() {
    let mut bucket = TokenBucket::full(rate(3.0), burst(1));
    bucket.admit(Duration::ZERO).expect("it was full");
    // A third of a second is no whole number of nanoseconds: rounded up, or the token would not be there.
    assert_eq!(wait_of(&mut bucket, Duration::ZERO), ns(333_333_334));
    assert_eq!(wait_of(&mut bucket, ns(333_333_333)), ns(1));
    assert_eq!(bucket.admit(ns(333_333_334)), Ok(()));
}

#[test]
fn does_not_drift_over_a_million_tokens() {
    // Room for two, so that what is left of a nanosecond beyond a token does not spill over the brim.
    let mut bucket = TokenBucket::full(rate(3.0), burst(2));
    bucket.admit(Duration::ZERO).expect("it was full");
    let mut now = Duration::ZERO;
    for token in 0..1_000_000_u64 {
        if token > 0 {
            now += wait_of(&mut bucket, now);
        }
        bucket.admit(now).expect("it said so");
        assert_eq!(now, ns((token * 1_000_000_000).div_ceil(3)), "token {token}");
    }
}

#[test]
fn is_full_again_after_an_eternity_and_survives_a_clock_that_goes_back() {
    let mut bucket = TokenBucket::full(rate(1e9), burst(u32::MAX));
    bucket.admit(Duration::ZERO).expect("it was full");
    assert_eq!(bucket.available(Duration::MAX), u32::MAX);
    bucket.admit(Duration::MAX).expect("it is full");
    let mut slow = TokenBucket::full(rate(1.0), burst(1));
    slow.admit(Duration::from_secs(10)).expect("it was full");
    assert_eq!(wait_of(&mut slow, Duration::from_secs(5)), Duration::from_secs(1), "no time has passed");
    assert_eq!(slow.admit(Duration::from_secs(11)), Ok(()), "time went on from where it was");
}

#[test]
fn another_rate_is_no_way_to_a_fresh_burst() {
    let mut limiter = Limiter::rate(rate(1.0), burst(5));
    let admitted = |limiter: &mut Limiter, now| (0..100).filter(|_| limiter.admit(now, 0).is_ok()).count();
    assert_eq!(admitted(&mut limiter, Duration::ZERO), 5);
    limiter.change(Duration::ZERO, Limiter::rate(rate(10.0), burst(50)));
    assert_eq!(admitted(&mut limiter, Duration::ZERO), 0);
    assert_eq!(admitted(&mut limiter, Duration::from_secs(1)), 10, "but the new rate holds from now on");
    limiter.change(Duration::from_secs(60), Limiter::rate(rate(10.0), burst(2)));
    assert_eq!(admitted(&mut limiter, Duration::from_secs(60)), 2, "a smaller bucket spills");
    limiter.change(Duration::from_secs(60), Limiter::concurrency(1, HINT));
    assert_eq!(limiter, Limiter::concurrency(1, HINT));
}

#[test]
fn impossible_rates_are_refused() {
    for given in [0.0, -1.0, 1e-7, 1.1e9, f64::NAN, f64::INFINITY] {
        let error = Rate::per_second(given).expect_err("impossible");
        assert!(error.to_string().starts_with("a rate must be between"), "{error}");
    }
    assert_eq!(rate(1e-6).millionths_per_s(), 1);
    assert_eq!(rate(1e9).millionths_per_s(), 1_000_000_000_000_000);
    assert_eq!(rate(152.5).millionths_per_s(), 152_500_000);
}

fn rates() -> impl Strategy<Value = Rate> {
    prop_oneof![0.01..10.0, 1.0..1000.0, 1000.0..1_000_000.0].prop_map(|per_s: f64| rate(per_s))
}

proptest! {
    /// The law of the bucket: in no window more than rate × length + burst, exactly.
    #[test]
    fn never_admits_above_the_rate_in_any_window(
        rate in rates(),
        tokens in 1..20_u32,
        gaps in prop::collection::vec(prop_oneof![Just(0), 0..1_000_000_u64, 0..2_000_000_000_u64], 1..200),
    ) {
        let mut bucket = TokenBucket::full(rate, burst(tokens));
        let mut now_ns = 0;
        let mut admitted_at = Vec::new();
        for gap in gaps {
            now_ns += gap;
            if bucket.admit(ns(now_ns)).is_ok() {
                admitted_at.push(u128::from(now_ns));
            }
        }
        for (first, start) in admitted_at.iter().enumerate() {
            for (last, end) in admitted_at.iter().enumerate().skip(first) {
                let admitted = (last - first + 1) as u128 * 1_000_000_000_000_000;
                let dripped = (end - start) * u128::from(rate.millionths_per_s());
                prop_assert!(admitted <= dripped + u128::from(tokens) * 1_000_000_000_000_000);
            }
        }
    }

    #[test]
    fn the_promised_wait_is_exact(rate in rates(), tokens in 1..20_u32, start in 0..10_000_000_000_u64) {
        let mut bucket = TokenBucket::full(rate, burst(tokens));
        while bucket.admit(ns(start)).is_ok() {}
        let wait = wait_of(&mut bucket, ns(start));
        prop_assert!(bucket.clone().admit(ns(start) + wait - ns(1)).is_err(), "not a nanosecond earlier");
        prop_assert!(bucket.admit(ns(start) + wait).is_ok(), "and not later");
    }

    #[test]
    fn concurrency_is_never_over_its_limit(
        limits in prop::collection::vec((0..10_usize, prop::collection::vec(any::<bool>(), 0..40)), 1..6),
    ) {
        let mut in_flight = 0_usize;
        let mut limiter = Limiter::concurrency(0, HINT);
        for (limit, comings) in limits {
            limiter.change(Duration::ZERO, Limiter::concurrency(limit, HINT));
            let bound = limit.max(in_flight);
            for comes in comings {
                if !comes {
                    in_flight = in_flight.saturating_sub(1);
                } else if limiter.admit(Duration::ZERO, in_flight).is_ok() {
                    prop_assert!(in_flight < limit);
                    in_flight += 1;
                }
                prop_assert!(in_flight <= bound);
            }
        }
    }
}
