//! A number of a cell by its path: `goodput_ratio`, `latency_ms.p99`, `steps.3.goodput_per_s`.
//!
//! A path is the keys of the record's JSON joined by dots. Keys may themselves contain dots, so a path is
//! matched against the keys that are there rather than split. An array has the elements `0`, `1`, …, `max` and
//! `mean`, the last two of what is not null. A kind of error that did not occur has no key in a record; here it counts as 0.

use serde_json::Value;

/// What is at the end of a path.
#[derive(Clone, Debug, PartialEq)]
pub enum Found {
    /// A number, or null.
    Value(Option<f64>),
    /// A word, such as a verdict.
    Text(String),
    /// Something that cannot be compared: a truth value, an object, an array.
    NotANumber,
    /// Nothing.
    Missing,
}

/// The errors that have no status: the keys of [`crate::record::Cell::errors`] beside three digits.
pub const ERROR_KINDS: &[&str] = &["timeout", "connect", "reset", "broken", "dropped"];

/// The number at a path in a cell's JSON.
#[must_use]
pub fn find(cell: &Value, path: &str) -> Found {
    match lookup(cell, path) {
        Some(Value::Null) => Found::Value(None),
        Some(Value::String(text)) => Found::Text(text.clone()),
        Some(value) => value.as_f64().map_or(Found::NotANumber, |number| Found::Value(Some(number))),
        None => match path.strip_prefix("errors.") {
            Some(kind) if is_error_kind(kind) => Found::Value(Some(0.0)),
            _ => of_array(cell, path).unwrap_or(Found::Missing),
        },
    }
}

/// What is said of an array as a whole.
fn of_array(cell: &Value, path: &str) -> Option<Found> {
    let (array, of) = path.rsplit_once('.')?;
    let numbers = || Some(lookup(cell, array)?.as_array()?.iter().filter_map(Value::as_f64));
    let number = match of {
        "max" => numbers()?.reduce(f64::max),
        "mean" => {
            let count = numbers()?.count();
            (count > 0).then_some(numbers()?.sum::<f64>() / count as f64)
        }
        _ => return None,
    };
    Some(Found::Value(number))
}

fn lookup<'a>(value: &'a Value, path: &str) -> Option<&'a Value> {
    match value {
        Value::Object(members) => members.iter().find_map(|(key, member)| {
            let rest = path.strip_prefix(key.as_str())?;
            match rest.strip_prefix('.') {
                None if rest.is_empty() => Some(member),
                None => None,
                Some(rest) => lookup(member, rest),
            }
        }),
        Value::Array(elements) => {
            let (index, rest) =
                path.split_once('.').map_or((path, None), |(index, rest)| (index, Some(rest)));
            let element = elements.get(index.parse::<usize>().ok()?)?;
            rest.map_or(Some(element), |rest| lookup(element, rest))
        }
        _ => None,
    }
}

/// Whether a key of [`crate::record::Cell::errors`] can be this.
#[must_use]
pub fn is_error_kind(kind: &str) -> bool {
    ERROR_KINDS.contains(&kind) || (kind.len() == 3 && kind.bytes().all(|byte| byte.is_ascii_digit()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn keys_may_contain_dots_and_dashes() {
        let cell =
            json!({"services": {"payment-service": {"waiting_max": 3}}, "p": {"99.9": 7, "99": {"9": 8}}});
        assert_eq!(find(&cell, "services.payment-service.waiting_max"), Found::Value(Some(3.0)));
        assert_eq!(find(&cell, "p.99.9"), Found::Value(Some(8.0)));
        assert_eq!(find(&json!({"p": {"99.9": 7}}), "p.99.9"), Found::Value(Some(7.0)));
    }

    #[test]
    fn null_is_found_and_absence_is_not() {
        let cell = json!({"recovery_s": null, "design": "v0.1.0", "phases": {}});
        assert_eq!(find(&cell, "recovery_s"), Found::Value(None));
        assert_eq!(find(&cell, "recovery"), Found::Missing);
        assert_eq!(find(&cell, "phases.during.payment_calls"), Found::Missing);
        assert_eq!(find(&cell, "design"), Found::Text("v0.1.0".to_owned()));
    }

    #[test]
    fn arrays_have_elements_a_maximum_and_a_mean() {
        let cell = json!({"series": {"throughput": [1, 5, 3], "p50_ms": [null, null]}});
        assert_eq!(find(&cell, "series.throughput.2"), Found::Value(Some(3.0)));
        assert_eq!(find(&cell, "series.throughput.max"), Found::Value(Some(5.0)));
        assert_eq!(find(&cell, "series.throughput.mean"), Found::Value(Some(3.0)));
        assert_eq!(find(&cell, "series.p50_ms.max"), Found::Value(None));
        assert_eq!(find(&cell, "series.p50_ms.mean"), Found::Value(None));
        assert_eq!(find(&cell, "series.throughput"), Found::NotANumber);
        assert_eq!(find(&cell, "series.throughput.3"), Found::Missing);
    }

    #[test]
    fn an_error_that_did_not_occur_counts_as_zero_and_a_typo_does_not() {
        let cell = json!({"errors": {"429": 2}});
        assert_eq!(find(&cell, "errors.429"), Found::Value(Some(2.0)));
        assert_eq!(find(&cell, "errors.timeout"), Found::Value(Some(0.0)));
        assert_eq!(find(&cell, "errors.timeuot"), Found::Missing);
    }
}
