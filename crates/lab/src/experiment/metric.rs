//! Checking the path of a metric before anything runs; [`evidence::metric`] says what a path is.

use evidence::metric::{ERROR_KINDS, is_error_kind};
use serde_json::Value;

/// Refuses a path that leads to no number in any cell of the experiment, of which `prototype` has everything
/// that one can have.
pub(super) fn check_path(path: &str, prototype: &Value) -> Result<(), String> {
    match leaf(path, prototype)? {
        Leaf::Number => Ok(()),
        Leaf::Text => Err(format!("the metric {path:?} is not a number")),
    }
}

/// Refuses a path that leads to no word in any cell of the experiment.
pub(super) fn check_text_path(path: &str, prototype: &Value) -> Result<(), String> {
    match leaf(path, prototype)? {
        Leaf::Text => Ok(()),
        Leaf::Number => Err(format!("the metric {path:?} is a number and no word")),
    }
}

/// What a path can lead to.
enum Leaf {
    Number,
    Text,
}

fn leaf(path: &str, prototype: &Value) -> Result<Leaf, String> {
    if path.is_empty() {
        return Err("an expectation needs a `metric`".to_owned());
    }
    // Any status can be a kind of error: these two have no list of keys.
    if let Some(kind) = path.strip_prefix("errors.") {
        return check_error_kind(kind).map(|()| Leaf::Number);
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
fn check_in(value: &Value, left: &str, path: &str) -> Result<Leaf, String> {
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
            let (index, rest) = left.split_once('.').unwrap_or((left, ""));
            let element = index.parse().ok().and_then(|index: usize| elements.get(index));
            match (left, element) {
                ("max" | "mean", _) => Ok(Leaf::Number),
                (_, Some(element)) => check_in(element, rest, path),
                _ if left.parse().is_ok_and(exists) => Ok(Leaf::Number),
                _ if elements.is_empty() => unknown("the elements 0, 1, …, max and mean"),
                _ => unknown(&format!("the elements 0 to {}, max and mean", elements.len() - 1)),
            }
        }
        Value::Bool(_) if left.is_empty() => Err(format!("the metric {path:?} is not a number")),
        Value::String(_) if left.is_empty() => Ok(Leaf::Text),
        _ if left.is_empty() => Ok(Leaf::Number),
        _ => unknown("no parts"),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

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
            "series.throughput.mean",
            "series.errors.503.max",
        ] {
            assert_eq!(check_path(path, &prototype), Ok(()), "{path}");
        }
        assert_eq!(check_text_path("design", &prototype), Ok(()));
        assert!(check_text_path("recovery_s", &prototype).is_err());
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
                "no metric \"fault_window_s.2\": fault_window_s has the elements 0 to 1, max and mean",
            ),
            (
                "series.throughput.min",
                "no metric \"series.throughput.min\": series.throughput has the elements 0, 1, …, max and mean",
            ),
        ] {
            assert_eq!(check_path(path, &prototype), Err(reason.to_owned()));
        }
    }
}
