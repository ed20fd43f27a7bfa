//! The state machine by itself: no runtime, no clock.

use std::num::NonZeroU32;

use proptest::prelude::*;

use super::*;
use crate::ratio::Ratio;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn count(n: u32) -> NonZeroU32 {
    NonZeroU32::new(n).expect("not zero")
}

fn limits() -> BreakerLimits {
    BreakerLimits {
        window: Window::Calls(count(10)),
        calls_min: count(4),
        failure_ratio: Ratio::percent(50),
        slow: Some(SlowLimit { longer_than: ms(100), ratio: Ratio::percent(80) }),
        open: ms(1000),
        open_max: ms(3000),
        probes: count(3),
        probe_max: ms(5000),
    }
}

fn breaker() -> Breaker {
    Breaker::new(limits()).expect("valid")
}

/// One call from begin to end.
fn call(breaker: &mut Breaker, at: Duration, took: Duration, failed: bool) {
    let pass = breaker.admit(at).expect("let through");
    breaker.finish(at + took, &pass, failed).expect("judged");
}

fn opened_at_zero() -> Breaker {
    let mut breaker = breaker();
    for _ in 0..4 {
        call(&mut breaker, ms(0), ms(0), true);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
    breaker
}

fn retry_after(breaker: &mut Breaker, now: Duration) -> Duration {
    let refusal = breaker.admit(now).expect_err("refused");
    assert_eq!(refusal.reason, Reason::BreakerOpen);
    refusal.retry_after
}

#[test]
fn opens_when_the_share_is_reached_and_not_before_the_minimum() {
    let mut breaker = breaker();
    for failed in [true, true, true] {
        call(&mut breaker, ms(0), ms(0), failed);
    }
    assert_eq!(breaker.state(), BreakerState::Closed, "three calls are too few to judge by");
    call(&mut breaker, ms(0), ms(0), false);
    assert_eq!(breaker.state(), BreakerState::Open, "three of four");
}

#[test]
fn slowness_alone_opens_it() {
    let mut breaker = breaker();
    for _ in 0..4 {
        call(&mut breaker, ms(0), ms(100), false);
    }
    assert_eq!(breaker.state(), BreakerState::Closed, "exactly the limit is not slow");
    for _ in 0..8 {
        call(&mut breaker, ms(0), ms(101), false);
    }
    assert_eq!(breaker.state(), BreakerState::Open, "eight of the last ten");
}

#[test]
fn a_count_window_forgets_the_oldest_and_a_time_window_the_old() {
    let mut last = breaker();
    for failed in [true].into_iter().chain([false; 9]).chain([true; 3]) {
        call(&mut last, ms(0), ms(0), failed);
    }
    let reading = last.read(ms(0));
    assert_eq!((reading.calls, reading.failed), (10, 3), "the first failure is forgotten");
    let mut recent =
        Breaker::new(BreakerLimits { window: Window::Time(ms(1000)), ..limits() }).expect("valid");
    for _ in 0..3 {
        call(&mut recent, ms(0), ms(0), true);
    }
    call(&mut recent, ms(2000), ms(0), true);
    assert_eq!((recent.state(), recent.read(ms(2000)).calls), (BreakerState::Closed, 1));
}

#[test]
fn refuses_with_the_exact_time_that_remains() {
    let mut breaker = opened_at_zero();
    assert_eq!(retry_after(&mut breaker, ms(1)), ms(999));
    assert_eq!(breaker.read(ms(400)).open_remaining, ms(600));
    let almost = ms(1000) - Duration::from_nanos(1);
    assert_eq!(retry_after(&mut breaker, almost), Duration::from_nanos(1));
    assert!(breaker.admit(ms(1000)).is_ok(), "not a nanosecond later");
    assert_eq!(breaker.state(), BreakerState::HalfOpen);
}

#[test]
fn lets_no_more_probes_through_than_decide() {
    let mut breaker = opened_at_zero();
    let passes: Vec<_> = (0..3).map(|_| breaker.admit(ms(1000)).expect("a probe")).collect();
    assert!(breaker.admit(ms(1000)).is_err());
    breaker.finish(ms(1010), &passes[0], false);
    assert!(breaker.admit(ms(1010)).is_err(), "one that was judged keeps its place");
    breaker.finish(ms(1010), &passes[1], false);
    assert_eq!(breaker.state(), BreakerState::Closed, "two of three were well: the third changes nothing");
    assert_eq!(breaker.finish(ms(1010), &passes[2], true), None, "it is of another epoch");
    assert_eq!(breaker.read(ms(1010)).calls, 0);
}

#[test]
fn a_cancelled_probe_gives_its_place_to_the_next() {
    let mut breaker = opened_at_zero();
    for _ in 0..100 {
        let passes: Vec<_> = (0..3).map(|_| breaker.admit(ms(1000)).expect("a probe")).collect();
        assert!(breaker.admit(ms(1000)).is_err());
        passes.iter().for_each(|pass| breaker.cancel(pass));
    }
    assert_eq!((breaker.state(), breaker.read(ms(1000)).probes_in_flight), (BreakerState::HalfOpen, 0));
}

#[test]
fn stays_open_twice_as_long_each_time_up_to_the_maximum() {
    let mut breaker = opened_at_zero();
    let mut now = ms(1000);
    for open in [2000, 3000, 3000] {
        let passes = [breaker.admit(now), breaker.admit(now)].map(|pass| pass.expect("a probe"));
        for pass in &passes {
            breaker.finish(now, pass, true);
        }
        assert_eq!((breaker.state(), retry_after(&mut breaker, now)), (BreakerState::Open, ms(open)));
        now += ms(open);
    }
    assert_eq!(breaker.read(now).opened_in_a_row, 4);
    call(&mut breaker, now, ms(1), false);
    call(&mut breaker, now, ms(1), false);
    assert_eq!((breaker.state(), breaker.read(now).opened_in_a_row), (BreakerState::Closed, 0));
}

#[test]
fn probes_that_are_slow_do_not_close_it() {
    let mut breaker = opened_at_zero();
    let passes: Vec<_> = (0..3).map(|_| breaker.admit(ms(1000)).expect("a probe")).collect();
    for pass in &passes {
        breaker.finish(ms(1200), pass, false);
    }
    assert_eq!(breaker.state(), BreakerState::Open);
}

#[test]
fn probes_that_hang_do_not_keep_it_half_open() {
    let mut breaker = opened_at_zero();
    let passes: Vec<_> = (0..3).map(|_| breaker.admit(ms(1000)).expect("a probe")).collect();
    assert_eq!(retry_after(&mut breaker, ms(5500)), ms(500));
    assert_eq!(retry_after(&mut breaker, ms(6000)), ms(2000), "they count as failed");
    assert_eq!(breaker.finish(ms(6001), &passes[0], false), None, "and what they say then comes too late");
    assert!(breaker.admit(ms(8000)).is_ok());
}

#[test]
fn a_hand_overrules_it_until_it_is_resumed() {
    let mut breaker = breaker();
    let before = breaker.admit(ms(0)).expect("closed");
    breaker.force_open();
    assert_eq!(retry_after(&mut breaker, ms(1_000_000)), ms(3000), "a hint: nobody knows");
    breaker.force_closed();
    assert_eq!(breaker.finish(ms(1), &before, true), None);
    for _ in 0..100 {
        let pass = breaker.admit(ms(2)).expect("forced closed");
        assert_eq!(breaker.finish(ms(2), &pass, true), None);
    }
    assert_eq!(breaker.state(), BreakerState::ForcedClosed);
    breaker.resume();
    assert_eq!(breaker.state(), BreakerState::Closed);
    let mut open = opened_at_zero();
    open.resume();
    assert_eq!(open.state(), BreakerState::Open, "nobody had forced it");
}

#[test]
fn limits_that_contradict_themselves_are_refused() {
    let wrong = [
        BreakerLimits { failure_ratio: Ratio::ZERO, ..limits() },
        BreakerLimits { window: Window::Calls(count(3)), ..limits() },
        BreakerLimits { window: Window::Calls(count(100_001)), ..limits() },
        BreakerLimits { window: Window::Time(ms(0)), ..limits() },
        BreakerLimits { open: ms(0), ..limits() },
        BreakerLimits { open: ms(4000), ..limits() },
        BreakerLimits { probe_max: ms(0), ..limits() },
    ];
    let mut breaker = breaker();
    for wrong in wrong {
        assert!(Breaker::new(wrong).is_err() && breaker.set_limits(wrong).is_err(), "{wrong:?}");
    }
    assert_eq!(breaker.limits(), &limits());
    let probes = BreakerLimits { probes: count(1), ..limits() };
    let mut open = opened_at_zero();
    let passes: Vec<_> = (0..2).map(|_| open.admit(ms(1000)).expect("a probe")).collect();
    open.set_limits(probes).expect("valid");
    open.finish(ms(1000), &passes[0], false);
    assert_eq!(open.state(), BreakerState::Closed, "one is enough now");
    assert_eq!(BreakerLimits::default().validate(), Ok(()));
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Wait(u64),
    Call,
    End(usize, bool),
    Cancel(usize),
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let step = prop_oneof![
        2 => prop_oneof![0..50_u64, 0..2000_u64].prop_map(Step::Wait),
        5 => Just(Step::Call),
        5 => (0..20_usize, prop::bool::weighted(0.6)).prop_map(|(index, failed)| Step::End(index, failed)),
        2 => (0..20_usize).prop_map(Step::Cancel),
    ];
    prop::collection::vec(step, 0..300)
}

proptest! {
    /// Whatever comes: the open time is kept, probes are bounded, no place leaks, and in the end it closes.
    #[test]
    fn keeps_its_promises_in_any_life(steps in steps(), probes in 1..4_u32, timed in any::<bool>()) {
        let window = if timed { Window::Time(ms(1000)) } else { limits().window };
        let limits = BreakerLimits { probes: count(probes), window, ..limits() };
        let mut breaker = Breaker::new(limits).expect("valid");
        let (mut now, mut passes, mut open_until) = (ms(0), Vec::new(), ms(0));
        for step in steps {
            match step {
                Step::Wait(millis) => now += ms(millis),
                Step::Call => match breaker.admit(now) {
                    Ok(pass) => {
                        prop_assert!(now >= open_until, "let through while open");
                        passes.push(pass);
                    }
                    Err(refusal) => prop_assert!(refusal.retry_after <= ms(3000)),
                },
                Step::End(index, failed) if !passes.is_empty() => {
                    let pass = passes.swap_remove(index % passes.len());
                    breaker.finish(now, &pass, failed);
                }
                Step::Cancel(index) if !passes.is_empty() => {
                    breaker.cancel(&passes.swap_remove(index % passes.len()));
                }
                Step::End(..) | Step::Cancel(_) => {}
            }
            let reading = breaker.read(now);
            if reading.state == BreakerState::Open {
                open_until = open_until.max(now + reading.open_remaining);
            }
            let live = passes.iter().filter(|pass| pass.epoch == breaker.epoch).count() as u64;
            if reading.state == BreakerState::HalfOpen {
                prop_assert_eq!(u64::from(reading.probes_in_flight), live, "a place leaked");
                prop_assert!(u64::from(reading.probes_in_flight) + reading.calls <= u64::from(probes));
            }
        }
        passes.iter().for_each(|pass| breaker.cancel(pass));
        for _ in 0..20 {
            now += ms(3000);
            if let Ok(pass) = breaker.admit(now) {
                breaker.finish(now, &pass, false);
            }
        }
        prop_assert_eq!(breaker.state(), BreakerState::Closed, "it is back when the dependency is");
    }
}
