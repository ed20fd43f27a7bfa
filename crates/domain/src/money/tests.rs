//! Examples and properties of amounts.

use proptest::prelude::*;

use serde::de::Visitor;

use super::*;

fn cents(minor: u64) -> Money {
    Money::from_minor(minor).expect("a valid amount")
}

#[test]
fn reads_plain_decimals() {
    for (text, minor) in [("0", 0), ("9", 900), ("9.5", 950), ("9.50", 950), ("0.05", 5), ("19.99", 1999)] {
        assert_eq!(text.parse(), Ok(cents(minor)), "{text}");
    }
    assert_eq!("9999999999999.99".parse(), Ok(Money::MAX));
}

#[test]
fn refuses_everything_else_with_its_reason() {
    for text in [
        "", ".", "-", "9.", ".5", "+9", " 9", "9 ", "1_000", "1,50", "1e3", "1E3", "NaN", "inf", "٣", "1.2.3",
    ] {
        assert_eq!(text.parse::<Money>(), Err(MoneyError::Syntax), "{text:?}");
    }
    for text in ["9.999", "9.500", "0.001"] {
        assert_eq!(text.parse::<Money>(), Err(MoneyError::Decimals), "{text:?}");
    }
    for text in ["-1", "-0.01", "-0"] {
        assert_eq!(text.parse::<Money>(), Err(MoneyError::Negative), "{text:?}");
    }
    for text in ["10000000000000", "10000000000000.00", "184467440737095516.15", "99999999999999999999999999"]
    {
        assert_eq!(text.parse::<Money>(), Err(MoneyError::TooLarge), "{text:?}");
    }
}

#[test]
fn tenths_add_up() {
    let sum = cents(10).checked_add(cents(20)).expect("a small sum");
    assert_eq!(sum.to_string(), "0.30");
}

#[test]
fn an_overflow_is_an_error_value() {
    assert_eq!(Money::MAX.checked_add(cents(1)), Err(MoneyError::TooLarge));
    assert_eq!(Money::MAX.checked_mul(2), Err(MoneyError::TooLarge));
    assert_eq!(Money::MAX.checked_mul(u32::MAX), Err(MoneyError::TooLarge));
    assert_eq!(Money::from_minor(u64::MAX), Err(MoneyError::TooLarge));
    assert_eq!(MoneyError::TooLarge.to_string(), "must be at most 9999999999999.99");
}

#[test]
fn reads_json_numbers_and_strings() {
    for (json, minor) in [("9.50", 950), ("9", 900), ("\"9.50\"", 950), ("0.29", 29), ("1e3", 100_000)] {
        assert_eq!(serde_json::from_str::<Money>(json).expect(json), cents(minor), "{json}");
    }
    for json in ["9.999", "-1", "-1.5", "1e300", "1e-3", "18446744073709551615", "\"\"", "true", "null", "[]"]
    {
        assert!(serde_json::from_str::<Money>(json).is_err(), "{json}");
    }
}

fn amounts() -> impl Strategy<Value = Money> {
    prop_oneof![0..=100_000u64, 0..=Money::MAX.minor(), (0..1000u64).prop_map(|n| Money::MAX.minor() - n)]
        .prop_map(cents)
}

proptest! {
    #[test]
    fn what_is_formatted_is_read_back(amount in amounts()) {
        prop_assert_eq!(amount.to_string().parse(), Ok(amount));
    }

    #[test]
    fn what_is_written_as_json_is_read_back(amount in amounts()) {
        let text = serde_json::to_string(&amount).expect("plain data");
        prop_assert_eq!(serde_json::from_str::<Money>(&text).expect("what was written"), amount);
        // The number's own text is exact as well, for readers that use no doubles.
        prop_assert_eq!(text.strip_suffix(".0").unwrap_or(&text).parse(), Ok(amount));
    }

    #[test]
    fn arithmetic_is_that_of_wide_integers(a in amounts(), b in amounts(), times in any::<u32>()) {
        let in_range = |wide: u128| u64::try_from(wide).map_err(|_| MoneyError::TooLarge).and_then(Money::from_minor);
        prop_assert_eq!(a.checked_add(b), in_range(u128::from(a.minor()) + u128::from(b.minor())));
        prop_assert_eq!(a.checked_mul(times), in_range(u128::from(a.minor()) * u128::from(times)));
    }

    #[test]
    fn any_text_is_an_amount_or_an_error(text in any::<String>()) {
        let _ = text.parse::<Money>();
    }

    #[test]
    fn any_double_is_an_amount_or_an_error(number in any::<f64>()) {
        let _ = AmountVisitor.visit_f64::<serde_json::Error>(number);
    }

    #[test]
    fn a_third_decimal_is_never_lost(whole in 0..1_000_000u64, decimals in "[0-9]{3,20}") {
        let text = format!("{whole}.{decimals}");
        prop_assert_eq!(text.parse::<Money>(), Err(MoneyError::Decimals));
    }
}
