//! What a metric must be, by itself or compared with the same cell of another design.

use std::fmt;

/// What a metric must be.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Bound {
    /// Not less.
    AtLeast(f64),
    /// Not more.
    AtMost(f64),
    /// Exactly this.
    Equals(f64),
    /// Not defined in the cell.
    Null,
    /// Defined in the cell.
    NotNull,
}

impl Bound {
    /// Whether a value is within the bound. What is not defined is neither large nor small enough.
    #[must_use]
    pub fn holds(self, value: Option<f64>) -> bool {
        match (self, value) {
            (Self::AtLeast(least), Some(value)) => value >= least,
            (Self::AtMost(most), Some(value)) => value <= most,
            #[expect(clippy::float_cmp, reason = "counts are whole, and the record's values are rounded")]
            (Self::Equals(expected), Some(value)) => value == expected,
            (Self::Null, value) => value.is_none(),
            (Self::NotNull, value) => value.is_some(),
            (Self::AtLeast(_) | Self::AtMost(_) | Self::Equals(_), None) => false,
        }
    }

    /// How far a value is outside the bound, in words; `None` when there is no distance.
    #[must_use]
    pub fn off_by(self, value: Option<f64>) -> Option<String> {
        let value = value?;
        let (limit, distance) = match self {
            Self::AtLeast(limit) | Self::AtMost(limit) | Self::Equals(limit) => (limit, value - limit),
            Self::Null | Self::NotNull => return None,
        };
        if self.holds(Some(value)) {
            return None;
        }
        // Six decimals are more than any metric has; they hide the noise of the subtraction.
        let amount = (distance.abs() * 1e6).round() / 1e6;
        let side = if distance < 0.0 { "below" } else { "above" };
        let share = if limit == 0.0 {
            String::new()
        } else {
            format!(" ({:.1} %)", (distance / limit * 100.0).abs())
        };
        Some(format!("{amount} {side}{share}"))
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::AtLeast(least) => write!(f, "≥ {least}"),
            Self::AtMost(most) => write!(f, "≤ {most}"),
            Self::Equals(value) => write!(f, "{value}"),
            Self::Null => f.write_str("null"),
            Self::NotNull => f.write_str("not null"),
        }
    }
}

/// What a metric must be, measured against a metric of another cell: one that differs in its design or its
/// fault, or another metric of the same cell.
#[derive(Clone, Debug, PartialEq)]
pub struct Comparison {
    /// Which side of the other's value it must be on.
    pub side: Side,
    /// How many times the other's value is the limit.
    pub times: f64,
    /// The other cell's design; the same when `None`.
    pub design: Option<String>,
    /// The other cell's fault; the same when `None`.
    pub fault: Option<String>,
    /// The other cell's metric; the same when `None`.
    pub metric: Option<String>,
}

/// A side of a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Not less.
    AtLeast,
    /// Not more.
    AtMost,
}

impl Comparison {
    /// What the metric must be when the other's is so much.
    #[must_use]
    pub fn bound(&self, other: f64) -> Bound {
        // Six decimals are more than any metric has; they hide the noise of the multiplication.
        let limit = (self.times * other * 1e6).round() / 1e6;
        match self.side {
            Side::AtLeast => Bound::AtLeast(limit),
            Side::AtMost => Bound::AtMost(limit),
        }
    }

    /// The other cell and its metric as the limit is told: `1.3 × v0.6.0's`, `1 × throughput_per_s under none`.
    fn limit(&self) -> String {
        let mut text = format!("{} ×", self.times);
        if let Some(design) = &self.design {
            text.push_str(&format!(" {design}'s"));
        }
        if let Some(metric) = &self.metric {
            text.push_str(&format!(" {metric}"));
        }
        if let Some(fault) = &self.fault {
            let what = if self.design.is_none() && self.metric.is_none() { " its own" } else { "" };
            text.push_str(&format!("{what} under {fault}"));
        }
        text
    }

    /// The comparison with both values: `≥ 1.3 × v0.6.0's, which is 1.1: ≥ 1.43`.
    #[must_use]
    pub fn told(&self, other: Option<f64>) -> String {
        match other {
            Some(other) => format!("{self}, which is {other}: {}", self.bound(other)),
            None => format!("{self}, which is null"),
        }
    }
}

impl fmt::Display for Comparison {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let sign = match self.side {
            Side::AtLeast => "≥",
            Side::AtMost => "≤",
        };
        write!(f, "{sign} {}", self.limit())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn comparison(design: Option<&str>, fault: Option<&str>, metric: Option<&str>) -> Comparison {
        let own = |text: Option<&str>| text.map(str::to_owned);
        Comparison {
            side: Side::AtLeast,
            times: 1.3,
            design: own(design),
            fault: own(fault),
            metric: own(metric),
        }
    }

    #[test]
    fn a_comparison_says_both_values_and_the_limit_they_make() {
        let other_design = comparison(Some("v0.6.0"), None, None);
        assert_eq!(other_design.told(Some(1.1)), "≥ 1.3 × v0.6.0's, which is 1.1: ≥ 1.43");
        assert_eq!(other_design.told(None), "≥ 1.3 × v0.6.0's, which is null");
        assert_eq!(comparison(None, Some("none"), None).to_string(), "≥ 1.3 × its own under none");
        assert_eq!(
            comparison(None, Some("none"), Some("goodput_ratio")).to_string(),
            "≥ 1.3 × goodput_ratio under none"
        );
    }

    #[test]
    fn the_limit_is_free_of_the_noise_of_the_multiplication() {
        assert_eq!(comparison(None, None, Some("x")).bound(1.1), Bound::AtLeast(1.43));
    }
}
