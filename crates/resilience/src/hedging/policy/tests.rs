//! The policy by itself: no runtime, no clock.

use proptest::prelude::*;

use super::*;

const fn ms(millis: u64) -> Duration {
    Duration::from_millis(millis)
}

fn percentile(percent: u8, samples: usize, samples_min: usize) -> HedgeLimits {
    let delay = HedgeDelay::Percentile(Percentile {
        percentile: Ratio::percent(percent),
        samples: NonZeroUsize::new(samples).expect("not zero"),
        samples_min,
        ..Percentile::default()
    });
    HedgeLimits { delay, ..HedgeLimits::default() }
}

#[test]
fn nobody_is_late_until_enough_is_known() {
    let mut hedging = Hedging::new(percentile(90, 100, 10));
    for latency in 1..=9 {
        hedging.succeeded(ms(latency));
        assert_eq!(hedging.begin(ms(0)), None);
    }
    hedging.succeeded(ms(10));
    assert_eq!(hedging.begin(ms(0)), Some(ms(9)), "nine of ten are not later");
}

#[test]
fn the_delay_follows_what_is_measured_within_its_bounds() {
    let mut hedging = Hedging::new(percentile(50, 16, 1));
    for latency in [ms(0); 16] {
        hedging.succeeded(latency);
    }
    assert_eq!(hedging.delay(), Some(ms(1)), "no timer is finer");
    (0..16).for_each(|_| hedging.succeeded(ms(70)));
    assert_eq!(hedging.delay(), Some(ms(70)));
    (0..16).for_each(|_| hedging.succeeded(ms(1_000_000)));
    assert_eq!(hedging.delay(), Some(ms(10_000)));
    let fixed = HedgeLimits { delay: HedgeDelay::Fixed(ms(5)), ..HedgeLimits::default() };
    hedging.set_limits(ms(0), fixed);
    assert_eq!((hedging.delay(), *hedging.limits()), (Some(ms(5)), fixed));
    hedging.set_limits(ms(0), percentile(50, 16, 1));
    assert_eq!(hedging.delay(), None, "it measures anew");
}

#[test]
fn at_most_a_share_of_the_calls_is_hedged() {
    let mut hedging = Hedging::new(HedgeLimits::default());
    let hedged = (0..1000).filter(|call| {
        let now = ms(call * 10);
        hedging.begin(now);
        hedging.hedge(now)
    });
    assert_eq!(hedged.count(), 100);
    assert_eq!(hedging.available(ms(10_000)), 0);
}

proptest! {
    #[test]
    fn the_percentile_is_exact_by_nearest_rank(
        latencies in prop::collection::vec(1..5000_u64, 1..80), percent in 1..=100_u8, samples in 1..16_usize,
    ) {
        let mut hedging = Hedging::new(percentile(percent, samples, 1));
        latencies.iter().for_each(|latency| hedging.succeeded(ms(*latency)));
        let mut last = latencies[latencies.len().saturating_sub(samples)..].to_vec();
        last.sort_unstable();
        let rank = (last.len() * usize::from(percent)).div_ceil(100);
        prop_assert_eq!(hedging.delay(), Some(ms(last[rank - 1])));
    }
}
