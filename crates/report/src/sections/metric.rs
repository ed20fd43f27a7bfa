//! How a metric is called and written, from its path.

use super::numbers::Number;
use crate::format;

/// What people call a metric; what is not known here is its path with blanks.
pub(crate) fn title(path: &str) -> String {
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
        "async.completion_ms.p50" => "done p50",
        "async.completion_ms.p99" => "done p99",
        "async.completion_ms.max" => "done at the latest",
        "async.backlog_max" => "backlog at most",
        "async.dead_letters" => "dead letters",
        "async.last_done_s" => "last done after",
        "ledger.double_charged" => "double charged",
        "ledger.ghost_charged" => "ghost charged",
        "ledger.duplicate_notified" => "told twice",
        "ledger.stuck" => "stuck",
        "ledger.lost" => "lost",
        "metastability.verdict" => "verdict",
        _ => {
            return of_series(path).unwrap_or_else(|| in_words(path.strip_prefix("phases.").unwrap_or(path)));
        }
    };
    known.to_owned()
}

/// `order-processor workers, mean` for what is said of a gauge over time.
fn of_series(path: &str) -> Option<String> {
    let (gauge, of) = path.strip_prefix("series.")?.rsplit_once('.')?;
    let gauge = in_words(gauge.strip_prefix("services.").unwrap_or(gauge));
    match of {
        "max" => Some(format!("{gauge}, at most")),
        "mean" => Some(format!("{gauge}, mean")),
        _ => None,
    }
}

fn in_words(path: &str) -> String {
    path.replace(['.', '_'], " ")
}

/// The metric as it is read: with its unit, as everywhere in the report.
pub(crate) fn text(path: &str, number: &Number) -> String {
    let value = match number {
        Number::Value(Some(value)) => *value,
        Number::Words(words) => return words.join(" or "),
        Number::Value(None) | Number::Absent => return format::NOTHING.to_owned(),
    };
    let last = path.rsplit('.').next().unwrap_or(path);
    if last.ends_with("_ratio") {
        format::percent(Some(value))
    } else if path.split('.').any(|key| key.ends_with("_ms")) {
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_metric_is_called_and_written_as_people_do() {
        for (path, value, name, written) in [
            ("async.completion_ms.p99", 49_840.13, "done p99", "49.8 s"),
            ("async.backlog_max", 3_340.0, "backlog at most", "3,340"),
            ("series.services.order-processor.workers.mean", 50.4, "order-processor workers, mean", "50.4"),
            ("series.backlog.max", 12.0, "backlog, at most", "12"),
            ("phases.during.latency_ms.p50", 7.0, "during latency ms p50", "7.0 ms"),
        ] {
            assert_eq!(
                (title(path).as_str(), text(path, &Number::Value(Some(value))).as_str()),
                (name, written)
            );
        }
    }
}
