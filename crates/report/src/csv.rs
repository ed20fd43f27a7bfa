//! The record as CSV: one line per cell with its main numbers, for spreadsheets and scripts.
//!
//! Columns have the names of the record's fields and the same units; what is not defined is empty.
//! Columns are added at the end and never renamed.

use evidence::record::{Cell, Record};
use serde::Serialize;

use crate::format;

/// One cell as a line.
#[derive(Debug, Serialize)]
struct Line<'a> {
    design: &'a str,
    fault: &'a str,
    load: String,
    rate_per_s: f64,
    duration_s: f64,
    seed: u64,
    offered: u64,
    succeeded: u64,
    declined: u64,
    rejected: u64,
    failed: u64,
    timed_out: u64,
    success_ratio: Option<f64>,
    capacity_per_s: f64,
    throughput_per_s: f64,
    goodput_per_s: f64,
    goodput_ratio: Option<f64>,
    latency_ms_p50: Option<f64>,
    latency_ms_p90: Option<f64>,
    latency_ms_p95: Option<f64>,
    latency_ms_p99: Option<f64>,
    latency_ms_max: Option<f64>,
    attempts_per_order: Option<f64>,
    wasted_payments: u64,
    in_flight_max: u64,
    queue_depth_max: u64,
    detection_s: Option<f64>,
    recovery_s: Option<f64>,
    lost: u64,
    double_charged: u64,
    ghost_charged: u64,
    stuck: u64,
    duplicate_notified: u64,
    bounds_exceeded: u64,
    late_sends: u64,
    dropped_sends: u64,
    virtual_s: f64,
}

/// The record as CSV with a header line. `rate_per_s` is the load's highest rate.
///
/// # Panics
/// Never: memory takes every write, and every line has the same fields.
#[must_use]
pub fn csv(record: &Record) -> String {
    let mut writer = ::csv::Writer::from_writer(Vec::new());
    for cell in &record.cells {
        writer
            .serialize(Line::of(cell))
            .expect("memory takes every write, and every line has the same fields");
    }
    let bytes = writer.into_inner().expect("memory takes every write");
    String::from_utf8(bytes).expect("the writer was given UTF-8 only")
}

impl<'a> Line<'a> {
    fn of(cell: &'a Cell) -> Self {
        Self {
            design: &cell.design,
            fault: &cell.fault,
            load: format::load(&cell.load),
            rate_per_s: format::load_peak_per_s(&cell.load),
            duration_s: format::load_duration_s(&cell.load),
            seed: cell.seed,
            offered: cell.offered,
            succeeded: cell.succeeded,
            declined: cell.declined,
            rejected: cell.rejected,
            failed: cell.failed,
            timed_out: cell.timed_out,
            success_ratio: cell.success_ratio,
            capacity_per_s: cell.capacity_per_s,
            throughput_per_s: cell.throughput_per_s,
            goodput_per_s: cell.goodput_per_s,
            goodput_ratio: cell.goodput_ratio,
            latency_ms_p50: cell.latency_ms.p50,
            latency_ms_p90: cell.latency_ms.p90,
            latency_ms_p95: cell.latency_ms.p95,
            latency_ms_p99: cell.latency_ms.p99,
            latency_ms_max: cell.latency_ms.max,
            attempts_per_order: cell.attempts_per_order,
            wasted_payments: cell.wasted_payments,
            in_flight_max: cell.in_flight_max,
            queue_depth_max: cell.queue_depth_max,
            detection_s: cell.detection_s,
            recovery_s: cell.recovery_s,
            lost: cell.ledger.lost,
            double_charged: cell.ledger.double_charged,
            ghost_charged: cell.ledger.ghost_charged,
            stuck: cell.ledger.stuck,
            duplicate_notified: cell.ledger.duplicate_notified,
            bounds_exceeded: cell.ledger.bounds_exceeded,
            late_sends: cell.late_sends,
            dropped_sends: cell.dropped_sends,
            virtual_s: cell.virtual_s,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_name_with_commas_and_quotes_stays_one_field() {
        let text = csv(&sample::record(vec![sample::cell("a,\"b\"", "none", 50.0)]));
        let line = text.lines().nth(1).expect("a header and one line");
        assert!(line.starts_with("\"a,\"\"b\"\"\",none,50/s,50.0,20.0,1,1000,1000,"), "{line}");
    }

    #[test]
    fn what_is_not_defined_is_empty() {
        let mut cell = sample::cell("a", "none", 50.0);
        cell.goodput_ratio = None;
        let text = csv(&sample::record(vec![cell]));
        let header: Vec<&str> = text.lines().next().expect("a header").split(',').collect();
        let line: Vec<&str> = text.lines().nth(1).expect("a line").split(',').collect();
        let column = header.iter().position(|name| *name == "goodput_ratio").expect("the column");
        assert_eq!((header.len(), line[column]), (line.len(), ""));
    }
}
