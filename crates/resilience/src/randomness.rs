//! Where chance comes from: always from the caller.
//!
//! Nothing in this crate draws from an ambient generator. Whoever wants a run to be repeatable hands in a
//! seeded source; whoever does not hands in the thread's.

/// A source of random numbers, uniform in [0, 1).
///
/// Every `FnMut() -> f64 + Send` is one. A value outside of the interval is treated as the bound it is
/// beyond, and what is not a number as 0.
pub trait Randomness: Send {
    /// The next number.
    fn unit(&mut self) -> f64;
}

impl<F: FnMut() -> f64 + Send> Randomness for F {
    fn unit(&mut self) -> f64 {
        self()
    }
}

/// A number as it may be reckoned with, whatever a source gave.
pub(crate) const fn clamped(unit: f64) -> f64 {
    if unit.is_nan() { 0.0 } else { unit.clamp(0.0, 1.0) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bad_source_does_no_harm() {
        for (given, used) in [(0.25, 0.25), (-3.0, 0.0), (7.0, 1.0), (f64::NAN, 0.0), (f64::INFINITY, 1.0)] {
            assert!((clamped(given) - used).abs() < f64::EPSILON, "{given}");
        }
    }
}
