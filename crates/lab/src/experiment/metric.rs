//! Finding a number in a cell by its path.
//!
//! A path is the keys of the record's JSON joined by dots. Keys may themselves contain dots, so a path is
//! matched against the keys that are there rather than split. An array has the elements `0`, `1`, … and
//! `max`. A kind of error that did not occur has no key in a record; here it counts as 0.

use serde_json::Value;

/// What is at the end of a path.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Found {
    /// A number, or null.
    Value(Option<f64>),
    /// Something that cannot be compared: text, an object, an array.
    NotANumber,
    /// Nothing.
    Missing,
}

/// The errors that have no status: the keys of [`evidence::record::Cell::errors`] beside three digits.
const ERROR_KINDS: &[&str] = &["timeout", "connect", "reset", "broken", "dropped"];

/// Refuses a path that leads to no number in any cell of the experiment, of which `prototype` has everything
/// that one can have.
pub(super) fn check_path(path: &str, prototype: &Value) -> Result<(), String> {
    if path.is_empty() {
        return Err("an expectation needs a `metric`".to_owned());
    }
    // Any status can be a kind of error: these two have no list of keys.
    if let Some(kind) = path.strip_prefix("errors.") {
        return check_error_kind(kind);
    }
    if let Some((kind, bin)) = path.strip_prefix("series.errors.").and_then(|rest| rest.split_once('.')) {
        check_error_kind(kind)?;
        return check_in(&Value::Array(vec![]), bin, path);
    }
    check_in(prototype, path, path)
}

fn check_error_kind(kind: &str) -> Result<(), String> {
    if is_error_kind(kind) {
        return Ok(());
    }
    Err(format!("no kind of error {kind:?}, expected a status or one of {}", ERROR_KINDS.join(", ")))
}

/// Follows what is left of a path. An array without elements stands for one of any length.
fn check_in(value: &Value, left: &str, path: &str) -> Result<(), String> {
    let unknown = |expected: &str| {
        let place = path.strip_suffix(left).unwrap_or(path).trim_end_matches('.');
        let place = if place.is_empty() { "a cell" } else { place };
        Err(format!("no metric {path:?}: {place} has {expected}"))
    };
    match value {
        Value::Object(members) => {
            let next = members.iter().find_map(|(key, member)| match left.strip_prefix(key.as_str())? {
                "" => Some((member, "")),
                left => Some((member, left.strip_prefix('.')?)),
            });
            match next {
                Some((member, left)) => check_in(member, left, path),
                None => unknown(&members.keys().map(String::as_str).collect::<Vec<_>>().join(", ")),
            }
        }
        Value::Array(elements) => {
            let exists = |index: usize| elements.is_empty() || index < elements.len();
            match left {
                "max" => Ok(()),
                left if left.parse().is_ok_and(exists) => Ok(()),
                _ if elements.is_empty() => unknown("the elements 0, 1, … and max"),
                _ => unknown(&format!("the elements 0 to {} and max", elements.len() - 1)),
            }
        }
        Value::String(_) | Value::Bool(_) if left.is_empty() => {
            Err(format!("the metric {path:?} is not a number"))
        }
        _ if left.is_empty() => Ok(()),
        _ => unknown("no parts"),
    }
}

/// The number at a path in a cell's JSON.
pub(super) fn find(cell: &Value, path: &str) -> Found {
    match lookup(cell, path) {
        Some(Value::Null) => Found::Value(None),
        Some(value) => value.as_f64().map_or(Found::NotANumber, |number| Found::Value(Some(number))),
        None => match path.strip_prefix("errors.") {
            Some(kind) if is_error_kind(kind) => Found::Value(Some(0.0)),
            _ => match path.strip_suffix(".max").and_then(|array| lookup(cell, array)) {
                Some(Value::Array(values)) => {
                    Found::Value(values.iter().filter_map(Value::as_f64).reduce(f64::max))
                }
                _ => Found::Missing,
            },
        },
    }
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

fn is_error_kind(kind: &str) -> bool {
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
        assert_eq!(find(&cell, "design"), Found::NotANumber);
    }

    #[test]
    fn arrays_have_elements_and_a_maximum() {
        let cell = json!({"series": {"throughput": [1, 5, 3], "p50_ms": [null, null]}});
        assert_eq!(find(&cell, "series.throughput.2"), Found::Value(Some(3.0)));
        assert_eq!(find(&cell, "series.throughput.max"), Found::Value(Some(5.0)));
        assert_eq!(find(&cell, "series.p50_ms.max"), Found::Value(None));
        assert_eq!(find(&cell, "series.throughput"), Found::NotANumber);
        assert_eq!(find(&cell, "series.throughput.3"), Found::Missing);
    }

    #[test]
    fn an_error_that_did_not_occur_counts_as_zero_and_a_typo_does_not() {
        let cell = json!({"errors": {"429": 2}});
        assert_eq!(find(&cell, "errors.429"), Found::Value(Some(2.0)));
        assert_eq!(find(&cell, "errors.timeout"), Found::Value(Some(0.0)));
        assert_eq!(find(&cell, "errors.timeuot"), Found::Missing);
        assert!(check_path("errors.timeuot", &json!({})).is_err());
        assert!(check_path("errors.503", &json!({})).is_ok());
    }

    #[test]
    fn a_path_that_leads_nowhere_is_told_where_it_went_wrong() {
        let prototype = json!({
            "design": "x", "recovery_s": null, "latency_ms": {"p50": null, "p99": null},
            "fault_window_s": [0, 1], "series": {"throughput": []},
        });
        for path in [
            "recovery_s",
            "latency_ms.p99",
            "fault_window_s.1",
            "series.throughput.17",
            "series.throughput.max",
            "series.errors.503.max",
        ] {
            assert_eq!(check_path(path, &prototype), Ok(()), "{path}");
        }
        for (path, reason) in [
            (
                "recovery",
                "no metric \"recovery\": a cell has design, fault_window_s, latency_ms, recovery_s, series",
            ),
            ("latency_ms.p999", "no metric \"latency_ms.p999\": latency_ms has p50, p99"),
            ("latency_ms", "no metric \"latency_ms\": latency_ms has p50, p99"),
            ("latency_ms.p99.max", "no metric \"latency_ms.p99.max\": latency_ms.p99 has no parts"),
            ("design", "the metric \"design\" is not a number"),
            (
                "fault_window_s.2",
                "no metric \"fault_window_s.2\": fault_window_s has the elements 0 to 1 and max",
            ),
            (
                "series.throughput.min",
                "no metric \"series.throughput.min\": series.throughput has the elements 0, 1, … and max",
            ),
        ] {
            assert_eq!(check_path(path, &prototype), Err(reason.to_owned()));
        }
    }
}
