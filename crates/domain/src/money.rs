//! Money: integer minor units, checked arithmetic, an exact text form.
//!
//! Never a floating-point number inside: 0.1 + 0.2 is 0.30 here. On the wire an amount is a JSON number
//! or string with at most two decimals. [`Money::MAX`] has 15 significant digits, and every decimal of
//! up to 15 digits survives the way through an IEEE double and back; so a JSON number is exact in both
//! directions, whatever reads it. An amount is never negative: giving money back is a fact of its own
//! (a refund), not a negative charge.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use thiserror::Error;

/// The only currency there is. It is named wherever an amount leaves the platform.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum Currency {
    /// Euro; the minor unit is the cent.
    #[default]
    #[serde(rename = "EUR")]
    Eur,
}

/// An amount of money: a whole number of minor units (cents), never negative.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Money(u64);

/// Why a text or a number is no amount.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum MoneyError {
    /// Not a plain decimal number.
    #[error("must be an amount like 9.50")]
    Syntax,
    /// Below zero.
    #[error("must not be negative")]
    Negative,
    /// More digits after the point than the currency has.
    #[error("must have at most two decimals")]
    Decimals,
    /// Above [`Money::MAX`].
    #[error("must be at most {}", Money::MAX)]
    TooLarge,
}

impl Money {
    /// Nothing.
    pub const ZERO: Self = Self(0);
    /// The largest amount: 15 digits, so that it is exact as a double.
    pub const MAX: Self = Self(999_999_999_999_999);

    /// So many minor units (cents).
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] above [`Money::MAX`].
    pub const fn from_minor(minor: u64) -> Result<Self, MoneyError> {
        if minor > Self::MAX.0 { Err(MoneyError::TooLarge) } else { Ok(Self(minor)) }
    }

    /// The amount in minor units (cents).
    #[must_use]
    pub const fn minor(self) -> u64 {
        self.0
    }

    /// The sum.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] above [`Money::MAX`].
    pub const fn checked_add(self, other: Self) -> Result<Self, MoneyError> {
        match self.0.checked_add(other.0) {
            Some(minor) => Self::from_minor(minor),
            None => Err(MoneyError::TooLarge),
        }
    }

    /// So many times the amount.
    ///
    /// # Errors
    /// [`MoneyError::TooLarge`] above [`Money::MAX`].
    pub const fn checked_mul(self, times: u32) -> Result<Self, MoneyError> {
        // A u32 widens into a u64 without loss; `u64::from` is not const.
        match self.0.checked_mul(times as u64) {
            Some(minor) => Self::from_minor(minor),
            None => Err(MoneyError::TooLarge),
        }
    }
}

impl fmt::Display for Money {
    /// Always two decimals: `9.50`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.0 / 100, self.0 % 100)
    }
}

impl FromStr for Money {
    type Err = MoneyError;

    /// Reads a plain decimal: digits, and optionally a point with one or two more. No sign, no exponent, no blanks.
    fn from_str(text: &str) -> Result<Self, MoneyError> {
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let (whole, decimals) = unsigned.split_once('.').map_or((unsigned, None), |(w, d)| (w, Some(d)));
        let is_digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
        if !is_digits(whole) || !decimals.is_none_or(is_digits) {
            return Err(MoneyError::Syntax);
        }
        if unsigned.len() != text.len() {
            return Err(MoneyError::Negative);
        }
        let decimals = decimals.unwrap_or("0");
        if decimals.len() > 2 {
            return Err(MoneyError::Decimals);
        }
        let cents: u64 = decimals.parse().map_err(|_| MoneyError::Syntax)?;
        let cents = if decimals.len() == 1 { cents * 10 } else { cents };
        // Digits that do not fit a u64 are certainly above the maximum.
        let units: u64 = whole.parse().map_err(|_| MoneyError::TooLarge)?;
        let minor = units.checked_mul(100).and_then(|m| m.checked_add(cents)).ok_or(MoneyError::TooLarge)?;
        Self::from_minor(minor)
    }
}

impl Serialize for Money {
    /// A JSON number; exact, because of the bound on the amount.
    #[expect(clippy::cast_precision_loss, reason = "at most 15 digits: below 2^53")]
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(self.0 as f64 / 100.0)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AmountVisitor)
    }
}

/// Reads numbers by their shortest decimal text, which is what was written when that had up to 15 digits.
struct AmountVisitor;

impl de::Visitor<'_> for AmountVisitor {
    type Value = Money;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an amount like 9.50")
    }

    fn visit_u64<E: de::Error>(self, units: u64) -> Result<Money, E> {
        let minor = units.checked_mul(100).ok_or(MoneyError::TooLarge);
        minor.and_then(Money::from_minor).map_err(E::custom)
    }

    fn visit_i64<E: de::Error>(self, units: i64) -> Result<Money, E> {
        let units = u64::try_from(units).map_err(|_| E::custom(MoneyError::Negative))?;
        self.visit_u64(units)
    }

    fn visit_f64<E: de::Error>(self, units: f64) -> Result<Money, E> {
        // Display never uses an exponent; "NaN" and "inf" are refused as syntax.
        self.visit_str(&units.to_string())
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Money, E> {
        text.parse().map_err(E::custom)
    }
}

#[cfg(test)]
mod tests;
