//! The throttle by itself.

use proptest::prelude::*;

use super::*;

const fn s(s: u64) -> Duration {
    Duration::from_secs(s)
}

fn throttle(randomness: impl FnMut() -> f64 + Send + 'static) -> Throttle {
    Throttle::new(ThrottleSettings::default(), Box::new(randomness))
}

/// Evenly spread and the same each time: multiples of the golden ratio.
fn spread() -> impl FnMut() -> f64 + Send {
    let mut n = 0_u32;
    move || {
        n += 1;
        (f64::from(n) * 0.618_033_988_749_895).fract()
    }
}

fn close(a: f64, b: f64) {
    assert!((a - b).abs() < 1e-9, "{a} is not {b}");
}

#[test]
fn refuses_nothing_while_half_is_accepted() {
    let mut throttle = throttle(|| 0.0);
    for n in 0..200 {
        throttle.admit(s(0), 0, ()).expect("p is 0");
        throttle.end(s(0), 0, (), if n % 2 == 0 { Outcome::Accepted } else { Outcome::Overloaded });
    }
    close(throttle.probability(s(0)), 0.0);
}

#[test]
fn the_probability_is_the_book_s() {
    let mut throttle = throttle(|| 0.999);
    for n in 0..99 {
        throttle.admit(s(0), 0, ()).expect("by chance");
        throttle.end(s(0), 0, (), if n < 10 { Outcome::Accepted } else { Outcome::Overloaded });
    }
    close(throttle.probability(s(0)), 79.0 / 100.0);
    close(throttle.probability(s(119)), 79.0 / 100.0);
    close(throttle.probability(s(132)), 0.0);
}

#[test]
fn what_is_refused_here_counts_as_asked() {
    let mut throttle = throttle(|| 0.0);
    throttle.end(s(0), 0, (), Outcome::Overloaded);
    let refusal = throttle.admit(s(0), 0, ()).expect_err("p is 1/2, the number is 0");
    assert_eq!(refusal, Refusal { reason: Reason::Throttled, retry_after: s(1) });
    close(throttle.probability(s(0)), 2.0 / 3.0);
}

#[test]
fn calls_under_way_and_callers_who_left_do_not_count() {
    let mut throttle = throttle(|| 0.0);
    for _ in 0..1000 {
        throttle.admit(s(0), 0, ()).expect("nothing is known");
    }
    for _ in 0..1000 {
        throttle.end(s(1), 0, (), Outcome::Unknown);
    }
    close(throttle.probability(s(1)), 0.0);
}

/// A server that takes on 100 of 1000 calls per second gets about K times that.
#[test]
fn a_server_sees_about_k_times_what_it_takes_on() {
    let mut throttle = throttle(spread());
    let (mut sent, mut accepted) = (0_u32, 0_u32);
    for second in 0..300 {
        let mut room = 100_u32;
        for _ in 0..1000 {
            if throttle.admit(s(second), 0, ()).is_err() {
                continue;
            }
            let takes = room > 0;
            room = room.saturating_sub(1);
            throttle.end(s(second), 0, (), if takes { Outcome::Accepted } else { Outcome::Overloaded });
            if second >= 150 {
                sent += 1;
                accepted += u32::from(takes);
            }
        }
    }
    assert_eq!(accepted, 150 * 100, "nothing of the server is wasted");
    assert!((180..=220).contains(&(sent / 150)), "{sent}");
}

/// How many of 100 calls per second get through, after an outage of `down_s`.
fn after_an_outage(settings: ThrottleSettings, down_s: u64, total_s: u64) -> (usize, Vec<usize>) {
    let mut throttle = Throttle::new(settings, Box::new(spread()));
    let mut second = |at: u64| {
        let outcome = if at < down_s { Outcome::Overloaded } else { Outcome::Accepted };
        let mut passed = 0;
        for _ in 0..100 {
            if throttle.admit(s(at), 0, ()).is_ok() {
                throttle.end(s(at), 0, (), outcome);
                passed += 1;
            }
        }
        passed
    };
    ((0..down_s).map(&mut second).sum(), (down_s..total_s).map(&mut second).collect())
}

#[test]
fn hardly_asks_a_server_that_takes_nothing_on() {
    let (down, _) = after_an_outage(ThrottleSettings::default(), 60, 60);
    assert!((1..20).contains(&down), "{down} of 6000");
}

#[test]
fn with_a_bound_on_the_probability_it_comes_back_sooner() {
    let settings = ThrottleSettings { probability_max: 0.9, ..ThrottleSettings::default() };
    let (down, back) = after_an_outage(settings, 60, 3660);
    assert!((550..650).contains(&down), "{down} of 6000");
    let (_, slow) = after_an_outage(ThrottleSettings::default(), 60, 3660);
    let when = |back: &[usize]| back.iter().position(|passed| *passed == 100);
    assert!(when(&back).is_some_and(|s| (200..260).contains(&s)), "{:?}", when(&back));
    assert!(when(&slow).is_some_and(|s| (550..750).contains(&s)), "{:?}", when(&slow));
}

proptest! {
    /// Against the simplest model: a list of everything that happened.
    #[test]
    fn counts_as_a_list_would(
        k in 1.0..4.0_f64,
        steps in prop::collection::vec((0..40_u64, 0..4_u8, 0.0..1.0_f64), 1..200),
    ) {
        let numbers: Vec<_> = steps.iter().map(|step| step.2).collect();
        let settings = ThrottleSettings { k, ..ThrottleSettings::default() };
        let drawn = std::sync::Arc::new(std::sync::atomic::AtomicUsize::new(0));
        let source = { let drawn = drawn.clone(); move || {
            numbers[drawn.load(std::sync::atomic::Ordering::Relaxed)]
        } };
        let mut throttle = Throttle::new(settings, Box::new(source));
        let (mut now, mut list) = (0, Vec::<(u64, bool)>::new());
        for (index, (gap, kind, number)) in steps.into_iter().enumerate() {
            drawn.store(index, std::sync::atomic::Ordering::Relaxed);
            now += gap;
            // Slots of twelve seconds: whole ones are remembered.
            let kept = |at: u64| now / 12 - at / 12 < 11;
            let requests = list.iter().filter(|(at, _)| kept(*at)).count() as f64;
            let accepts = list.iter().filter(|(at, accepted)| kept(*at) && *accepted).count() as f64;
            let p = ((requests - k * accepts) / (requests + 1.0)).max(0.0);
            prop_assert!((throttle.probability(s(now)) - p).abs() < 1e-9 && p < 1.0);
            if throttle.admit(s(now), 0, ()).is_err() {
                prop_assert!(number < p);
                list.push((now, false));
                continue;
            }
            prop_assert!(number >= p);
            match kind {
                0 | 1 => throttle.end(s(now), 0, (), Outcome::Overloaded),
                2 => throttle.end(s(now), 0, (), Outcome::Accepted),
                _ => throttle.end(s(now), 0, (), Outcome::Unknown),
            }
            if kind < 3 {
                list.push((now, kind == 2));
            }
        }
    }
}
