//! How a metric is called and written, from its path.

use super::numbers::Number;
use crate::format;

/// What people call a metric; what is not known here is its path with blanks.
pub(super) fn title(path: &str) -> String {
    let known = match path {
        "goodput_ratio" => "goodput of possible",
        "goodput_per_s" => "goodput",
        "throughput_per_s" => "throughput",
        "success_ratio" => "success",
        "latency_ms.p50" => "p50",
        "latency_ms.p99" => "p99",
        "latency_ms.max" => "latency at most",
        "rejected" => "refused",
        "timed_out" => "timed out",
        "attempts_per_order" => "attempts per order",
        "wasted_payments" => "wasted payments",
        "queue_depth_max" => "longest queue",
        "in_flight_max" => "in flight at most",
        "services.payment-service.waiting_max" => "waiting inside payment",
        "recovery_s" => "back after",
        "detection_s" => "detected after",
        "phases.before.refusal_latency_ms.p99" => "refusal p99",
        "ledger.double_charged" => "double charged",
        "ledger.ghost_charged" => "ghost charged",
        "ledger.stuck" => "stuck",
        "ledger.lost" => "lost",
        "metastability.verdict" => "verdict",
        _ => return path.strip_prefix("phases.").unwrap_or(path).replace(['.', '_'], " "),
    };
    known.to_owned()
}

/// The metric as it is read: with its unit, as everywhere in the report.
pub(super) fn text(path: &str, number: &Number) -> String {
    let value = match number {
        Number::Value(Some(value)) => *value,
        Number::Words(words) => return words.join(" or "),
        Number::Value(None) | Number::Absent => return format::NOTHING.to_owned(),
    };
    let last = path.rsplit('.').next().unwrap_or(path);
    if last.ends_with("_ratio") {
        format::percent(Some(value))
    } else if path.contains("latency_ms") || path.contains("time_ms") {
        format::millis(Some(value))
    } else if last.ends_with("_per_s") {
        format!("{}/s", format::number(value))
    } else if last.ends_with("_s") {
        format!("{} s", format::number(value))
    } else if value.fract() == 0.0 && (0.0..1e15).contains(&value) {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a whole number in range"
        )]
        format::count(value as u64)
    } else {
        format::number(value)
    }
}
