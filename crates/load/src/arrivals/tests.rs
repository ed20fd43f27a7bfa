//! Arrivals: exact where they are even, lawful where they are random.

use proptest::prelude::*;

use super::*;
use crate::quantity::{Offset, Rate, Span};

fn rate(per_s: f64) -> Rate {
    Rate::new(per_s).expect("a good rate")
}

fn span(ms: u64) -> Span {
    Span::new(Duration::from_millis(ms)).expect("a good span")
}

fn constant(per_s: f64, ms: u64, spacing: Spacing) -> Load {
    Load::constant(rate(per_s), span(ms), spacing).expect("a good load")
}

fn ramp(from_per_s: f64, to_per_s: f64, ms: u64, spacing: Spacing) -> Load {
    Load::Ramp { from_per_s: rate(from_per_s), to_per_s: rate(to_per_s), duration: span(ms), spacing }
}

fn burst(base_per_s: f64, peak_per_s: f64, spacing: Spacing) -> Load {
    Load::Burst {
        base_per_s: rate(base_per_s),
        peak_per_s: rate(peak_per_s),
        burst_start: Offset::new(Duration::from_secs(5)).expect("a good offset"),
        burst_duration: span(2_000),
        duration: span(10_000),
        spacing,
    }
}

fn times(load: &Load, seed: u64) -> Vec<Duration> {
    arrivals(load, node::named_rng(seed, "arrivals")).collect()
}

#[test]
fn even_orders_are_exactly_spaced() {
    let times = times(&constant(1000.0, 20_000, Spacing::Even), 1);
    assert_eq!(times.len(), 20_000);
    assert!(times.iter().zip(0..).all(|(at, index)| *at == Duration::from_millis(index)));
}

#[test]
fn an_order_that_falls_on_the_end_is_not_sent() {
    assert_eq!(times(&constant(0.1, 30_000, Spacing::Even), 1), [0, 10, 20].map(Duration::from_secs));
    assert_eq!(times(&constant(0.1, 30_001, Spacing::Even), 1).len(), 4);
}

#[test]
fn an_even_ramp_keeps_the_integral_of_its_rate() {
    // From 2/s to 6/s in 4 s: Λ(t) = 2t + t²/2, 16 orders.
    let times = times(&ramp(2.0, 6.0, 4_000, Spacing::Even), 1);
    assert_eq!(times.len(), 16);
    for (at, index) in times.iter().zip(0_u32..) {
        let t = at.as_secs_f64();
        assert!((2.0 * t + t * t / 2.0 - f64::from(index)).abs() < 1e-6, "order {index} at {at:?}");
    }
}

#[test]
fn a_falling_ramp_mirrors_a_rising_one() {
    let falling = times(&ramp(6.0, 2.0, 4_000, Spacing::Even), 1);
    assert_eq!(falling.len(), 16);
    // The rising ramp asks for its last order but k where the falling one asks for its k-th.
    for (at, index) in falling.iter().zip(0_u32..) {
        let t = at.as_secs_f64();
        assert!((6.0 * t - t * t / 2.0 - f64::from(index)).abs() < 1e-6, "order {index} at {at:?}");
    }
}

#[test]
fn an_even_burst_has_its_orders_in_its_plateau() {
    let times = times(&burst(10.0, 100.0, Spacing::Even), 1);
    let within = |from, to| times.iter().filter(|at| (from..to).contains(&at.as_secs())).count();
    assert_eq!((within(0, 5), within(5, 7), within(7, 10)), (50, 200, 30));
}

#[test]
fn nothing_follows_the_last_order() {
    let mut arrivals = arrivals(&constant(10.0, 1_000, Spacing::Poisson), node::named_rng(1, "arrivals"));
    arrivals.by_ref().for_each(drop);
    assert_eq!(arrivals.next(), None);
}

#[test]
fn poisson_gaps_are_exponential() {
    // Of exponential gaps, 1 − 1/e are shorter than the mean, and their variance is the mean squared.
    let times = times(&constant(1000.0, 60_000, Spacing::Poisson), 1);
    let gaps: Vec<f64> = times.windows(2).map(|pair| (pair[1] - pair[0]).as_secs_f64() * 1000.0).collect();
    let mean = gaps.iter().sum::<f64>() / gaps.len() as f64;
    let variance = gaps.iter().map(|gap| (gap - mean) * (gap - mean)).sum::<f64>() / gaps.len() as f64;
    let short = gaps.iter().filter(|gap| **gap < 1.0).count() as f64 / gaps.len() as f64;
    assert!((mean - 1.0).abs() < 0.02, "mean {mean}");
    assert!((variance - 1.0).abs() < 0.05, "variance {variance}");
    assert!((short - 0.632).abs() < 0.01, "short {short}");
}

#[test]
fn a_seed_means_the_same_numbers_for_ever() {
    let times = times(&constant(100.0, 1_000, Spacing::Poisson), 1);
    let first: Vec<u128> = times.iter().take(3).map(Duration::as_nanos).collect();
    assert_eq!(first, GOLDEN_NS, "every recorded seed would mean another load");
}

const GOLDEN_NS: [u128; 3] = [10_110_509, 15_313_323, 17_270_208];

fn any_load() -> impl Strategy<Value = Load> {
    let spacing = prop_oneof![Just(Spacing::Even), Just(Spacing::Poisson)];
    let per_s = || 1.0..2_000.0_f64;
    (per_s(), per_s(), 1..5_000_u64, spacing, 0..3_u8).prop_map(|(a, b, ms, spacing, kind)| match kind {
        0 => constant(a, ms, spacing),
        1 => ramp(a, b, ms, spacing),
        _ => burst(a, b, spacing),
    })
}

proptest! {
    #[test]
    fn times_ascend_and_lie_within_the_load(load in any_load(), seed: u64) {
        let times = times(&load, seed);
        prop_assert!(times.is_sorted());
        prop_assert!(times.iter().all(|at| *at < load.duration().get()));
    }

    #[test]
    fn the_count_is_near_the_integral_of_the_rate(load in any_load(), seed: u64) {
        let expected = expected(&load);
        let count = times(&load, seed).len() as f64;
        // Six standard deviations and a little: chance exceeds them once in 10⁸ cases.
        let tolerance = match load.spacing().unwrap_or_default() {
            Spacing::Even => 1.0,
            Spacing::Poisson => 6.0 * expected.sqrt() + 6.0,
        };
        prop_assert!((count - expected).abs() <= tolerance, "{count} orders instead of {expected}");
    }

    #[test]
    fn the_stream_depends_on_seed_and_load_only(load in any_load(), seed: u64) {
        prop_assert_eq!(times(&load, seed), times(&load.clone(), seed));
        if load.spacing().unwrap_or_default() == Spacing::Poisson && expected(&load) > 50.0 {
            prop_assert_ne!(times(&load, seed), times(&load, seed.wrapping_add(1)));
        }
    }

    #[test]
    fn a_longer_load_begins_as_the_shorter_one(per_s in 1.0..2_000.0_f64, ms in 1..2_000_u64, seed: u64) {
        let short = times(&constant(per_s, ms, Spacing::Poisson), seed);
        let long = times(&constant(per_s, 2 * ms, Spacing::Poisson), seed);
        prop_assert_eq!(&long[..short.len()], &short[..]);
    }
}

#[test]
fn steps_have_the_arrivals_of_each_of_their_rates() {
    let step = |per_s, ms| RateStep { rate_per_s: rate(per_s), duration: span(ms) };
    let load = Load::Steps { steps: vec![step(10.0, 2_000), step(100.0, 1_000)], spacing: Spacing::Even };
    let times = times(&load, 1);
    let second = |at: u64| times.iter().filter(|time| time.as_secs() == at).count();
    assert_eq!((times.len(), second(0), second(1), second(2)), (120, 10, 10, 100));
}

#[test]
fn stages_may_begin_at_nothing_pause_and_go_on() {
    let ramp: crate::Ramp = "2s@0..10,1s@0,1s@4".parse().expect("a ramp");
    let at_ms: Vec<_> = Arrivals::even(ramp.stages()).map(|at| at.as_millis()).collect();
    let sloping: Vec<_> = (0..10).map(|k| (f64::from(k) / 2.5).sqrt() * 1e3).map(|ms| ms as u128).collect();
    assert_eq!(at_ms[..10], sloping, "\u{39b}(t) = 2.5 t\u{b2}");
    assert_eq!(at_ms[10..], [3_000, 3_250, 3_500, 3_750]);
}
