//! A platform that watches itself, in short simulated cells: it notices a fault, and nothing else.

use std::fs;

use evidence::record::{Cell, Record};
use lab::{
    experiment::Experiment,
    runner::{RunOptions, Silent, run},
};

/// Three seconds of calm, a fault, and time to notice that it is over.
const CELLS: &str = r#"
name = "watching"
designs = ["v0.7.0", "v0.8.0"]
faults = ["none", "slow-payment", "no-power"]

[load]
kind = "constant"
rates = [100]
duration = "7s"
client_timeout = "4s"

[[fault]]
name = "slow-payment"
at = "3s"
until = "5s"
kind = "hardship"
slowdown = 5
failure_rate = 0.5

[[fault]]
name = "no-power"
at = "3s"
until = "5s"
kind = "power-off"
host = "payment-service"
"#;

fn cells() -> Record {
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("watching.toml");
    fs::write(&path, CELLS).expect("writable");
    run(&Experiment::read(&path).expect("valid"), &RunOptions::default(), &Silent).expect("it runs")
}

#[test]
fn a_fault_is_noticed_within_two_seconds_and_where_there_is_none_nothing_is() {
    let record = cells();
    let cell = |design: &str, fault: &str| -> &Cell {
        let found = record.cells.iter().find(|cell| cell.design == design && cell.fault == fault);
        found.unwrap_or_else(|| panic!("{design} under {fault}"))
    };
    for fault in ["none", "slow-payment", "no-power"] {
        let blind = cell("v0.7.0", fault);
        assert_eq!((blind.alerts_total, blind.detection_s, blind.traces.len()), (None, None, 0));
    }
    let calm = cell("v0.8.0", "none");
    assert_eq!((calm.alerts_total, calm.detection_s), (Some(0), None), "{:?}", calm.alerts);
    for fault in ["slow-payment", "no-power"] {
        let disturbed = cell("v0.8.0", fault);
        assert!(
            disturbed.detection_s.is_some_and(|seconds| seconds <= 2.0),
            "{fault}: {:?}",
            disturbed.alerts
        );
        let first = &disturbed.alerts[0];
        assert!(first.at_s > 3.0, "nothing before the fault: {first:?}");
        assert!(disturbed.alerts.iter().any(|alert| alert.about == "dependency"), "{:?}", disturbed.alerts);
    }
}

#[test]
fn a_few_orders_are_followed_through_every_service() {
    let record = cells();
    for cell in record.cells.iter().filter(|cell| cell.design == "v0.8.0") {
        assert!((1..=5).contains(&cell.traces.len()), "{}: {} traces", cell.fault, cell.traces.len());
        let usual =
            cell.traces.iter().find(|trace| trace.why == "as usual").expect("an order before the fault");
        assert_eq!(usual.answer, "200");
        let services: Vec<_> = usual.spans.iter().map(|span| (span.service.as_str(), span.depth)).collect();
        assert_eq!(services.first(), Some(&("order-api", 0)));
        assert_eq!(services.last().map(|(service, _)| *service), Some("payment-service"), "{services:?}");
        let whole = &usual.spans[0];
        assert!(usual.spans.iter().all(|span| span.to_ms <= whole.to_ms), "{:?}", usual.spans);
        assert!(whole.to_ms <= usual.latency_ms, "the way to the client comes on top");
    }
    let failed = record.cells.iter().find(|cell| cell.design == "v0.8.0" && cell.fault == "no-power");
    let failed =
        failed.expect("it was run").traces.iter().find(|trace| trace.why == "failed during the fault");
    let spans = &failed.expect("orders fail without payment").spans;
    assert!(spans.iter().any(|span| span.outcome == "timed out" && span.attempt == Some(1)), "{spans:?}");
}
