//! Rounding at the moment of computing: a record shows what a reader can use, and no more.
//!
//! The noise of the last bits would make files long and differences between two records unreadable.

/// A ratio: four decimals.
pub(crate) fn ratio(value: f64) -> f64 {
    to(value, 10_000.0)
}

/// A rate per second: two decimals.
pub(crate) fn rate(value: f64) -> f64 {
    to(value, 100.0)
}

/// Microseconds as milliseconds with three decimals, which loses nothing.
pub(crate) fn ms(us: u64) -> f64 {
    us as f64 / 1e3
}

/// Microseconds as seconds with three decimals.
pub(crate) fn seconds(us: u64) -> f64 {
    to(us as f64 / 1e6, 1e3)
}

/// `part ÷ whole` as a rounded ratio; `None` when there is no whole.
pub(crate) fn share(part: u64, whole: u64) -> Option<f64> {
    (whole > 0).then(|| ratio(part as f64 / whole as f64))
}

fn to(value: f64, steps_per_unit: f64) -> f64 {
    debug_assert!(value.is_finite(), "JSON has no word for {value}");
    (value * steps_per_unit).round() / steps_per_unit
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_promised_decimals() {
        assert_eq!(ratio(2.0 / 3.0), 0.6667);
        assert_eq!(rate(152.0049), 152.0);
        assert_eq!(ms(1_234_567), 1234.567);
        assert_eq!(seconds(10_000_499), 10.0);
    }

    #[test]
    fn a_share_of_nothing_is_not_defined() {
        assert_eq!(share(0, 0), None);
        assert_eq!(share(1, 3), Some(0.3333));
    }
}
