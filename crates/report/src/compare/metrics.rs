//! Which metrics are compared, which way is better, and how they are written.

use evidence::record::Cell;

use super::{Change, Trend};
use crate::format;

/// Which way is better.
#[derive(Clone, Copy, Debug)]
enum Better {
    Higher,
    Lower,
    /// Lower is better, and null is the worst: it never happened.
    LowerElseNever,
    /// It depends on the rest.
    Neither,
}

/// How a value is written.
#[derive(Clone, Copy, Debug)]
enum Unit {
    Share,
    Millis,
    Seconds,
    PerSecond,
    Count,
    Times,
}

struct Metric {
    path: &'static str,
    words: &'static str,
    unit: Unit,
    better: Better,
    value: fn(&Cell) -> Option<f64>,
}

const fn metric(
    path: &'static str,
    words: &'static str,
    unit: Unit,
    better: Better,
    value: fn(&Cell) -> Option<f64>,
) -> Metric {
    Metric { path, words, unit, better, value }
}

#[rustfmt::skip]
const METRICS: [Metric; 20] = [
    metric("goodput_ratio", "goodput of possible", Unit::Share, Better::Higher, |cell| cell.goodput_ratio),
    metric("success_ratio", "success", Unit::Share, Better::Higher, |cell| cell.success_ratio),
    metric("rejected", "refused", Unit::Count, Better::Neither, |cell| count(cell.rejected)),
    metric("failed", "failed", Unit::Count, Better::Lower, |cell| count(cell.failed)),
    metric("timed_out", "timed out", Unit::Count, Better::Lower, |cell| count(cell.timed_out)),
    metric("throughput_per_s", "throughput", Unit::PerSecond, Better::Neither, |cell| Some(cell.throughput_per_s)),
    metric("latency_ms.p50", "latency p50", Unit::Millis, Better::Lower, |cell| cell.latency_ms.p50),
    metric("latency_ms.p99", "latency p99", Unit::Millis, Better::Lower, |cell| cell.latency_ms.p99),
    metric("attempts_per_order", "payment calls per order", Unit::Times, Better::Lower, |cell| cell.attempts_per_order),
    metric("wasted_payments", "wasted payments", Unit::Count, Better::Lower, |cell| count(cell.wasted_payments)),
    metric("in_flight_max", "in flight at most", Unit::Count, Better::Neither, |cell| count(cell.in_flight_max)),
    metric("queue_depth_max", "longest queue", Unit::Count, Better::Neither, |cell| count(cell.queue_depth_max)),
    metric("detection_s", "detected after", Unit::Seconds, Better::Lower, |cell| cell.detection_s),
    metric("recovery_s", "back after the fault", Unit::Seconds, Better::LowerElseNever, |cell| cell.recovery_s),
    metric("ledger.lost", "lost orders", Unit::Count, Better::Lower, |cell| count(cell.ledger.lost)),
    metric("ledger.double_charged", "double charges", Unit::Count, Better::Lower, |cell| count(cell.ledger.double_charged)),
    metric("ledger.ghost_charged", "ghost charges", Unit::Count, Better::Lower, |cell| count(cell.ledger.ghost_charged)),
    metric("ledger.stuck", "stuck orders", Unit::Count, Better::Lower, |cell| count(cell.ledger.stuck)),
    metric("ledger.duplicate_notified", "duplicate notices", Unit::Count, Better::Lower, |cell| count(cell.ledger.duplicate_notified)),
    metric("ledger.bounds_exceeded", "bounds exceeded", Unit::Count, Better::Lower, |cell| count(cell.ledger.bounds_exceeded)),
];

#[expect(clippy::cast_precision_loss, reason = "counts of orders stay far below 2^52")]
const fn count(value: u64) -> Option<f64> {
    Some(value as f64)
}

/// Every metric of both cells.
pub(super) fn changes(a: &Cell, b: &Cell) -> Vec<Change> {
    METRICS
        .iter()
        .map(|metric| {
            let (a, b) = ((metric.value)(a), (metric.value)(b));
            let change = a.zip(b).map(|(a, b)| tidy(b - a));
            Change { metric: metric.path, a, b, change, trend: trend(metric.better, a, b) }
        })
        .collect()
}

/// A metric's name in words.
pub(super) fn words(change: &Change) -> &'static str {
    known(change).map_or(change.metric, |metric| metric.words)
}

/// One side's value in words.
pub(super) fn value(change: &Change, side: Option<f64>) -> String {
    let Some(metric) = known(change) else { return format::NOTHING.to_owned() };
    match (metric.better, side) {
        (Better::LowerElseNever, None) => "never".to_owned(),
        (_, None) => format::NOTHING.to_owned(),
        (_, Some(side)) => metric.unit.show(side),
    }
}

/// The change in words, with its sign: `+71 points`, `−12.3 s (−95 %)`.
pub(super) fn difference(change: &Change) -> String {
    let (Some(metric), Some(by), Some(a)) = (known(change), change.change, change.a) else {
        return String::new();
    };
    let sign = if by < 0.0 { "−" } else { "+" };
    if matches!(metric.unit, Unit::Share) {
        return format!("{sign}{} points", format::number((by.abs() * 1_000.0).round() / 10.0));
    }
    let absolute = format!("{sign}{}", metric.unit.show(by.abs()));
    if a == 0.0 { absolute } else { format!("{absolute} ({sign}{:.0} %)", (by / a).abs() * 100.0) }
}

impl Unit {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "counts are whole and positive"
    )]
    fn show(self, value: f64) -> String {
        match self {
            Self::Share => format::percent(Some(value)),
            Self::Millis => format::millis(Some(value)),
            Self::Seconds => format!("{} s", format::number(value)),
            Self::PerSecond => format!("{}/s", format::number(value)),
            Self::Count => format::count(value as u64),
            Self::Times => format::number(value),
        }
    }
}

fn known(change: &Change) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.path == change.metric)
}

fn trend(better: Better, a: Option<f64>, b: Option<f64>) -> Trend {
    const NOISE: f64 = 0.01;
    let (rises, falls) = match better {
        Better::Higher => (Trend::Better, Trend::Worse),
        Better::Lower | Better::LowerElseNever => (Trend::Worse, Trend::Better),
        Better::Neither => (Trend::Different, Trend::Different),
    };
    match (a, b) {
        (None, None) => Trend::Same,
        (Some(_), None) if matches!(better, Better::LowerElseNever) => Trend::Worse,
        (None, Some(_)) if matches!(better, Better::LowerElseNever) => Trend::Better,
        (None, _) | (_, None) => Trend::Different,
        (Some(a), Some(b)) if (b - a).abs() <= a.abs().max(b.abs()) * NOISE => Trend::Same,
        (Some(a), Some(b)) => {
            if b > a {
                rises
            } else {
                falls
            }
        }
    }
}

/// Without the dust of a floating-point subtraction.
fn tidy(value: f64) -> f64 {
    (value * 1e6).round() / 1e6
}
