//! A share of a whole, in exact millionths: what budgets and thresholds are made of.

use std::fmt;

use thiserror::Error;

/// A share between 0 and 1, in steps of one millionth. Shown as a percentage.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Ratio {
    millionths: u32,
}

/// Not a share of anything.
#[derive(Clone, Copy, Debug, PartialEq, Error)]
#[error("a ratio must be between 0 and 1, not {given}")]
pub struct InvalidRatio {
    /// What was given.
    pub given: f64,
}

impl Ratio {
    /// Nothing.
    pub const ZERO: Self = Self { millionths: 0 };
    /// The whole.
    pub const ONE: Self = Self { millionths: Self::MILLION };

    const MILLION: u32 = 1_000_000;

    /// A share, rounded to millionths.
    ///
    /// # Errors
    /// When the number is not between 0 and 1.
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "the range was checked: at most 10^6"
    )]
    pub fn new(given: f64) -> Result<Self, InvalidRatio> {
        if !(0.0..=1.0).contains(&given) {
            return Err(InvalidRatio { given });
        }
        Ok(Self { millionths: (given * 1e6).round() as u32 })
    }

    /// So many hundredths. For constants in code.
    ///
    /// # Panics
    /// Above 100.
    #[must_use]
    pub const fn percent(percent: u8) -> Self {
        assert!(percent <= 100, "at most all of it");
        // Widening; `u32::from` is not const.
        Self { millionths: percent as u32 * 10_000 }
    }

    /// The share in millionths.
    #[must_use]
    pub const fn millionths(self) -> u32 {
        self.millionths
    }

    /// Whether `part` of `whole` is at least this share. Exact; nothing of nothing reaches only zero.
    #[must_use]
    pub const fn is_reached(self, part: u64, whole: u64) -> bool {
        part as u128 * Self::MILLION as u128 >= whole as u128 * self.millionths as u128
            && (whole > 0 || self.millionths == 0)
    }
}

impl fmt::Display for Ratio {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} %", f64::from(self.millionths) / 1e4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_threshold_is_reached_exactly() {
        let half = Ratio::percent(50);
        assert!(half.is_reached(5, 10) && !half.is_reached(4, 10) && half.is_reached(u64::MAX, u64::MAX));
        assert!(!half.is_reached(0, 0) && Ratio::ZERO.is_reached(0, 0) && !Ratio::ONE.is_reached(9, 10));
    }

    #[test]
    fn only_shares_are_ratios() {
        for given in [-0.1, 1.1, f64::NAN, f64::INFINITY] {
            assert!(Ratio::new(given).is_err(), "{given}");
        }
        assert_eq!(Ratio::new(0.2), Ok(Ratio::percent(20)));
        assert_eq!(Ratio::new(0.125).expect("a share").to_string(), "12.5 %");
    }
}
