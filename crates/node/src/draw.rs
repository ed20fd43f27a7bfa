//! Random variables, drawn with pure-Rust mathematics.
//!
//! A platform's own logarithm or exponential may differ in the last bit, and one bit is enough to send a
//! run another way. Crates that sample distributions use whichever mathematics the workspace's features
//! happen to select; these few draws use `libm` always, so that a seed means the same on every platform.

use rand::Rng as _;

use crate::rng::Rng;

/// Uniform in (0, 1): never exactly 0, so that its logarithm exists.
#[must_use]
pub fn open_unit(rng: &mut Rng) -> f64 {
    // 53 random bits, placed in the middle of their interval.
    ((rng.next_u64() >> 11) as f64 + 0.5) / (1u64 << 53) as f64
}

/// Uniform between two bounds.
#[must_use]
pub fn uniform(rng: &mut Rng, min: f64, max: f64) -> f64 {
    min + (max - min) * open_unit(rng)
}

/// True with a probability.
#[must_use]
pub fn chance(rng: &mut Rng, probability: f64) -> bool {
    open_unit(rng) < probability
}

/// Exponential with a mean.
#[must_use]
pub fn exponential(rng: &mut Rng, mean: f64) -> f64 {
    -mean * libm::log(open_unit(rng))
}

/// Standard normal, after Box and Muller (1958). The second value of each pair is not kept: a draw then
/// takes the same number of random words whatever was drawn before.
#[must_use]
pub fn standard_normal(rng: &mut Rng) -> f64 {
    let radius = libm::sqrt(-2.0 * libm::log(open_unit(rng)));
    radius * libm::cos(std::f64::consts::TAU * open_unit(rng))
}

/// Log-normal by its median and the standard deviation `sigma` of the logarithm. Its mean is
/// `median × exp(sigma² ÷ 2)`.
#[must_use]
pub fn log_normal(rng: &mut Rng, median: f64, sigma: f64) -> f64 {
    median * libm::exp(sigma * standard_normal(rng))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::named_rng;

    const DRAWS: usize = 200_000;

    fn mean_and_variance(mut draw: impl FnMut(&mut Rng) -> f64) -> (f64, f64) {
        let mut rng = named_rng(7, "draw");
        let values: Vec<f64> = (0..DRAWS).map(|_| draw(&mut rng)).collect();
        let mean = values.iter().sum::<f64>() / DRAWS as f64;
        let variance = values.iter().map(|value| (value - mean).powi(2)).sum::<f64>() / DRAWS as f64;
        (mean, variance)
    }

    fn assert_near(value: f64, expected: f64) {
        assert!((value - expected).abs() < 0.02, "{value} should be near {expected}");
    }

    #[test]
    fn each_draw_has_the_moments_of_its_law() {
        let (mean, variance) = mean_and_variance(standard_normal);
        assert_near(mean, 0.0);
        assert_near(variance, 1.0);
        let (mean, variance) = mean_and_variance(|rng| exponential(rng, 1.0));
        assert_near(mean, 1.0);
        assert_near(variance, 1.0);
        let (mean, _) = mean_and_variance(|rng| log_normal(rng, 1.0, 0.5));
        assert_near(mean, libm::exp(0.125));
        let (mean, variance) = mean_and_variance(|rng| uniform(rng, 2.0, 5.0));
        assert_near(mean, 3.5);
        assert_near(variance, 0.75);
        let (mean, _) = mean_and_variance(|rng| f64::from(u8::from(chance(rng, 0.3))));
        assert_near(mean, 0.3);
    }

    #[test]
    fn a_certain_chance_always_comes_and_an_impossible_one_never() {
        let mut rng = named_rng(1, "chance");
        for _ in 0..10_000 {
            assert!(chance(&mut rng, 1.0));
            assert!(!chance(&mut rng, 0.0));
        }
    }
}
