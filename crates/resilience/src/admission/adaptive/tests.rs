//! The limits by themselves, against a service that is a formula.

use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::admission::guard::{Outcome, Rule};

fn bounds(min: usize, max: usize) -> LimitBounds {
    LimitBounds::new(min, max).expect("valid bounds")
}

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

const fn calm(rtt: u64, in_flight_max: usize) -> Sample {
    Sample { rtt: Some(ms(rtt)), in_flight_max, dropped: false }
}

/// `windows` seconds against a service of `servers`, each call 100 ms, everything beyond waiting: Little's
/// law gives the time of a call. `demand` is how many calls come if they may.
fn drive(limit: &mut AdaptiveLimit, from_s: u64, windows: u64, servers: usize, demand: usize) {
    for window in from_s..from_s + windows {
        let in_flight = demand.min(limit.limit());
        let rtt = ms(100) * u32::try_from(in_flight.max(servers)).expect("small")
            / u32::try_from(servers).expect("small");
        for call in 0..20 {
            limit.add(Duration::from_secs(window) + ms(50) * call, Some(rtt), in_flight);
        }
    }
}

#[test]
fn bounds_are_checked() {
    assert_eq!(LimitBounds::new(0, 5), Err(InvalidBounds { min: 0, max: 5 }));
    assert!(LimitBounds::new(6, 5).is_err());
    assert!(LimitBounds::new(1, 1).is_ok());
}

#[test]
fn a_window_is_over_when_it_is_long_and_full_enough() {
    let (window, mut gathering) = (Window::default(), window::Gathering::default());
    let mut add = |at_ms, rtt| gathering.add(&window, ms(at_ms), rtt, 3);
    for call in 0..8 {
        assert_eq!(add(call, Some(ms(10))), None);
    }
    assert_eq!(add(2000, None), None, "long enough, too few");
    assert_eq!(add(2001, Some(ms(28))), Some(Sample { rtt: Some(ms(12)), in_flight_max: 3, dropped: true }));
    assert!((0..20).all(|call| add(2002 + call, Some(ms(1))).is_none()), "full enough, too short");
    assert_eq!(add(3001, Some(ms(1))), Some(Sample { rtt: Some(ms(1)), in_flight_max: 3, dropped: false }));
}

#[test]
fn aimd_adds_one_and_takes_a_tenth() {
    let aimd = Aimd::default();
    let dropped = Sample { dropped: true, ..calm(10, 50) };
    let eq = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    eq(aimd.update(50.0, true, &calm(10, 50)), 51.0);
    eq(aimd.update(50.0, false, &calm(10, 3)), 50.0);
    eq(aimd.update(50.0, true, &dropped), 45.0);
    eq(aimd.update(5.0, true, &dropped), 4.0);
    eq(aimd.update(50.0, true, &calm(6000, 50)), 45.0);
}

#[test]
fn vegas_keeps_the_queue_between_alpha_and_beta() {
    let mut vegas = Vegas::default();
    let eq = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    eq(vegas.update(20.0, true, &calm(100, 20)), 20.0);
    eq(vegas.update(20.0, true, &calm(100, 20)), 26.0);
    // Queue = 20 × (1 − 100 ÷ 111) = 1.98: two, between one step and alpha.
    eq(vegas.update(20.0, true, &calm(111, 20)), 21.0);
    eq(vegas.update(20.0, true, &calm(125, 20)), 20.0);
    eq(vegas.update(20.0, true, &calm(160, 20)), 19.0);
    eq(vegas.update(20.0, false, &calm(100, 2)), 20.0);
    eq(vegas.update(20.0, false, &Sample { dropped: true, ..calm(100, 2) }), 19.0);
}

#[test]
fn vegas_forgets_the_shortest_time_in_the_end() {
    let mut limit = AdaptiveLimit::vegas(10, bounds(1, 10));
    drive(&mut limit, 0, 5, 10, 10);
    // From now on the service takes five times as long, without any queue: it looks like one.
    for window in 5..400 {
        for call in 0..20 {
            limit.add(Duration::from_secs(window) + ms(50) * call, Some(ms(500)), limit.limit());
        }
    }
    assert!(limit.limit() >= 9, "{limit:?}");
}

#[test]
fn gradient2_follows_its_formula() {
    let mut gradient = Gradient2::default();
    let eq = |a: f64, b: f64| assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    // No gradient: 0.8 × 100 + 0.2 × (100 + 4).
    for _ in 0..10 {
        eq(gradient.update(100.0, true, &calm(100, 100)), 100.8);
    }
    // Ten times as slow is clamped: 0.8 × 100 + 0.2 × (50 + 4).
    eq(gradient.update(100.0, true, &calm(1000, 100)), 90.8);
    eq(gradient.update(100.0, false, &calm(1000, 10)), 100.0);
    let lost = Sample { rtt: None, in_flight_max: 1, dropped: true };
    eq(gradient.update(100.0, false, &lost), 90.0);
}

#[test]
fn gradient2_comes_down_from_an_overload_quickly() {
    let mut gradient = Gradient2::default();
    for _ in 0..100 {
        let _ = gradient.update(50.0, true, &calm(2000, 50));
    }
    for _ in 0..60 {
        let _ = gradient.update(50.0, true, &calm(100, 50));
    }
    assert!(gradient.long_s() < 0.25, "{gradient:?}");
}

/// What they are for: ten servers, far more demand, from a limit that is much too high or much too low.
#[test]
fn the_limit_finds_the_servers() {
    for initial in [1, 100] {
        let mut vegas = AdaptiveLimit::vegas(initial, bounds(1, 500));
        // The shortest time must have been seen once: at the beginning, or as the limit comes down.
        drive(&mut vegas, 0, 10, 10, 5);
        drive(&mut vegas, 10, 200, 10, 1000);
        assert!((10..=18).contains(&vegas.limit()), "from {initial}: {vegas:?}");
        let mut gradient = AdaptiveLimit::gradient2(initial, bounds(1, 500));
        drive(&mut gradient, 0, 20, 10, 5);
        drive(&mut gradient, 20, 100, 10, 1000);
        assert!((10..=40).contains(&gradient.limit()), "from {initial}: {gradient:?}");
    }
}

#[test]
fn an_idle_service_earns_no_limit() {
    for mut limit in [
        AdaptiveLimit::vegas(20, bounds(1, 500)),
        AdaptiveLimit::gradient2(20, bounds(1, 500)),
        AdaptiveLimit::aimd(20, bounds(1, 500)),
    ] {
        drive(&mut limit, 0, 1000, 10, 5);
        assert_eq!(limit.limit(), 20, "{limit:?}");
    }
}

#[test]
fn a_fixed_limit_stays_and_moves_only_by_its_bounds() {
    let mut limit = AdaptiveLimit::fixed(7);
    drive(&mut limit, 0, 100, 1, 100);
    assert_eq!(limit.limit(), 7);
    limit.set_bounds(bounds(3, 9));
    assert_eq!(limit.limit(), 9);
    assert_eq!(AdaptiveLimit::fixed(0).limit(), 0);
}

#[test]
fn what_ended_as_unknown_moves_nothing() {
    let limit = AdaptiveLimit::aimd(20, bounds(1, 500)).windowed(Window { length: ms(0), samples_min: 1 });
    let mut rule = Adaptive::new(limit, ms(1));
    let end = |rule: &mut Adaptive, outcome| {
        let pass = rule.admit(ms(0), 19, ()).expect("below the limit");
        rule.end(ms(5), 19, pass, outcome);
        Rule::limit(rule)
    };
    assert_eq!(end(&mut rule, Outcome::Unknown), Some(20));
    assert_eq!(end(&mut rule, Outcome::Overloaded), Some(18));
}

proptest! {
    /// Whatever is measured, and whatever the settings: within its bounds, and never a panic.
    #[test]
    fn a_limit_never_leaves_its_bounds(
        kind in 0..3_u8,
        initial in 0..600_usize,
        min in 1..50_usize,
        more in 0..500_usize,
        calls in prop::collection::vec((0..3000_u64, prop::option::of(0..10_000_u64), 0..600_usize), 1..200),
    ) {
        let algorithm = match kind {
            0 => Algorithm::Aimd(Aimd::default()),
            1 => Algorithm::Vegas(Vegas::default()),
            _ => Algorithm::Gradient2(Gradient2::default()),
        };
        let window = Window { length: ms(1000), samples_min: 2 };
        let mut limit = AdaptiveLimit::new(algorithm, initial, bounds(min, min + more), window);
        let mut now = Duration::ZERO;
        for (gap, rtt, in_flight) in calls {
            now += ms(gap);
            limit.add(now, rtt.map(ms), in_flight);
            prop_assert!((min..=min + more).contains(&limit.limit()), "{:?}", limit);
        }
    }

    /// The rule admits exactly below the limit, whatever moves it.
    #[test]
    fn admits_exactly_below_the_limit(
        steps in prop::collection::vec((any::<bool>(), any::<bool>(), 0..500_u64), 0..300),
    ) {
        let limit = AdaptiveLimit::aimd(3, bounds(1, 6)).windowed(Window { length: ms(0), samples_min: 1 });
        let mut rule = Adaptive::new(limit, ms(1));
        let (mut inside, mut now) = (Vec::new(), Duration::ZERO);
        for (comes, accepted, gap) in steps {
            now += ms(gap);
            let limit = Rule::limit(&rule).expect("it has one");
            if comes {
                let answer = rule.admit(now, inside.len(), ());
                prop_assert_eq!(answer.is_ok(), inside.len() < limit);
                inside.extend(answer);
            } else if let Some(pass) = inside.pop() {
                let outcome = if accepted { Outcome::Accepted } else { Outcome::Overloaded };
                rule.end(now, inside.len(), pass, outcome);
            }
        }
    }
}
