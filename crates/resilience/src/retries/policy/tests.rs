//! The decision by itself: no runtime, no clock.

use proptest::prelude::*;

use super::*;
use crate::ratio::Ratio;

const FAILED: Class = Class::Failure { retryable: true, retry_after: None };

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn limits() -> RetryLimits {
    RetryLimits { backoff: Backoff { base: ms(100), cap: ms(1000) }, ..RetryLimits::default() }
}

fn decide(attempt: u32, class: Class, remaining: Option<Duration>) -> Decision {
    Retries::new(limits()).decide(ms(0), attempt, class, remaining, || 0.5)
}

fn pause(decision: Decision) -> Duration {
    match decision {
        Decision::Retry { after, .. } => after,
        other => panic!("no retry but {other:?}"),
    }
}

#[test]
fn only_what_may_gain_is_repeated() {
    assert_eq!(decide(1, Class::Success, None), Decision::Done);
    let hopeless = Class::Failure { retryable: false, retry_after: Some(ms(1)) };
    assert_eq!(decide(1, hopeless, None), Decision::GiveUp(GiveUp::NotRetryable));
    let unknown = |safe_to_retry| Class::Unknown { safe_to_retry };
    assert_eq!(decide(1, unknown(false), None), Decision::GiveUp(GiveUp::Unsafe));
    assert_eq!(pause(decide(1, unknown(true), None)), ms(50));
    assert_eq!(pause(decide(2, FAILED, None)), ms(100));
    assert_eq!(decide(3, FAILED, None), Decision::GiveUp(GiveUp::AttemptsSpent));
}

#[test]
fn what_the_other_side_asks_for_is_honoured_and_capped() {
    let asked = |retry_after| Class::Failure { retryable: true, retry_after: Some(retry_after) };
    assert_eq!(pause(decide(1, asked(ms(2000)), None)), ms(2050), "and the jitter on top");
    assert_eq!(pause(decide(1, asked(Duration::MAX), None)), ms(10_050));
}

#[test]
fn a_pause_that_ends_at_the_deadline_is_not_begun_and_costs_nothing() {
    let mut retries = Retries::new(limits());
    let before = retries.available(ms(0));
    let give_up = retries.decide(ms(0), 1, FAILED, Some(ms(50)), || 0.5);
    assert_eq!(give_up, Decision::GiveUp(GiveUp::DeadlineNear));
    assert_eq!(retries.available(ms(0)), before);
    assert_eq!(pause(retries.decide(ms(0), 1, FAILED, Some(ms(51)), || 0.5)), ms(50));
    assert_eq!(retries.available(ms(0)), before - 1);
}

#[test]
fn no_number_is_drawn_when_there_is_no_pause() {
    let draw = || panic!("drawn in vain");
    let mut retries = Retries::new(limits());
    assert_eq!(retries.decide(ms(0), 1, Class::Success, None, draw), Decision::Done);
    assert_eq!(retries.decide(ms(0), 3, FAILED, None, draw), Decision::GiveUp(GiveUp::AttemptsSpent));
}

#[test]
fn when_all_fail_the_budget_bounds_what_is_added() {
    let budget = BudgetLimits { floor_per_s: 0, ..BudgetLimits::default() };
    let mut retries = Retries::new(RetryLimits { budget, ..limits() });
    let mut added = 0;
    for call in 0..1000 {
        let now = ms(call * 10);
        retries.begin(now);
        let mut attempt = 1;
        while let Decision::Retry { .. } = retries.decide(now, attempt, FAILED, None, || 1.0) {
            attempt += 1;
            added += 1;
        }
    }
    assert_eq!(added, 200);
}

#[test]
fn what_is_not_begun_is_paid_back_and_limits_change_at_work() {
    let floor = |floor_per_s| BudgetLimits { ratio: Ratio::ZERO, floor_per_s, window: ms(1000) };
    let mut retries = Retries::new(RetryLimits { budget: floor(1), ..limits() });
    let Decision::Retry { paid, .. } = retries.decide(ms(0), 1, FAILED, None, || 0.0) else {
        panic!("it has one");
    };
    assert_eq!(retries.decide(ms(0), 1, FAILED, None, || 0.0), Decision::GiveUp(GiveUp::BudgetSpent));
    retries.put_back(ms(0), paid);
    assert_eq!(retries.available(ms(0)), 1);
    retries.set_limits(ms(0), RetryLimits { budget: floor(5), ..limits() });
    assert_eq!((retries.available(ms(0)), retries.limits().budget.floor_per_s), (5, 5));
}

proptest! {
    #[test]
    fn jitter_is_full_and_never_beyond_the_cap(
        base in 0..10_000_u64, cap in 0..100_000_u64, retry in any::<u32>(), unit in -1.0..2.0_f64,
    ) {
        let backoff = Backoff { base: ms(base), cap: ms(cap) };
        let longest = backoff.longest(retry);
        prop_assert!(longest <= ms(cap));
        prop_assert!(backoff.pause(retry, unit) <= longest);
        prop_assert_eq!(backoff.pause(retry, 0.0), ms(0));
        prop_assert!(longest - backoff.pause(retry, 1.0) < Duration::from_nanos(100));
        if retry < 16 {
            prop_assert_eq!(longest, ms((base << retry).min(cap)));
        }
    }

    #[test]
    fn no_call_gets_more_attempts_or_time_than_allowed(
        attempts_max in 1..6_u32,
        remaining in 0..3000_u64,
        steps in prop::collection::vec((0.0..1.0_f64, prop::option::of(0..500_u64)), 10),
    ) {
        let attempts_max = NonZeroU32::new(attempts_max).expect("not zero");
        let mut retries = Retries::new(RetryLimits { attempts_max, ..limits() });
        let (mut spent, mut attempt) = (ms(0), 1);
        for (unit, retry_after) in steps {
            let class = Class::Failure { retryable: true, retry_after: retry_after.map(ms) };
            let left = ms(remaining).saturating_sub(spent);
            match retries.decide(spent, attempt, class, Some(left), || unit) {
                Decision::Retry { after, .. } => {
                    prop_assert!(after >= ms(retry_after.unwrap_or(0)));
                    attempt += 1;
                    spent += after;
                    prop_assert!(spent < ms(remaining) && attempt <= attempts_max.get());
                }
                Decision::GiveUp(_) => break,
                Decision::Done => prop_assert!(false, "it failed"),
            }
        }
    }
}
