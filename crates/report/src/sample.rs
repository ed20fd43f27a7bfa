//! Cells for unit tests: calm by default, each test breaks what it is about.

use evidence::record::{Cell, LatencyMs, LoadRecord, Record, SCHEMA, Series};

/// A record of these cells.
pub(crate) fn record(cells: Vec<Cell>) -> Record {
    Record {
        schema: SCHEMA,
        experiment: "ladder".to_owned(),
        world: "sim".to_owned(),
        seed: 1,
        wall_s: 1.5,
        warnings: vec![],
        not_modelled: vec!["packet loss".to_owned()],
        sections: vec![],
        searches: vec![],
        cells,
    }
}

/// A cell in which all goes well: everyone is answered in time.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "small whole rates")]
pub(crate) fn cell(design: &str, fault: &str, rate_per_s: f64) -> Cell {
    let offered = (rate_per_s * 20.0) as u64;
    Cell {
        design: design.to_owned(),
        fault: fault.to_owned(),
        seed: 1,
        virtual_s: 21.0,
        load: LoadRecord::Constant { rate_per_s, duration_s: 20.0, spacing: "even".to_owned() },
        load_name: None,
        slo_s: 2.0,
        fault_window_s: (fault != "none").then_some([5.0, 10.0]),
        offered,
        late_sends: 0,
        dropped_sends: 0,
        succeeded: offered,
        declined: 0,
        rejected: 0,
        failed: 0,
        timed_out: 0,
        success_ratio: Some(1.0),
        capacity_per_s: 152.0,
        throughput_per_s: rate_per_s,
        goodput_per_s: rate_per_s,
        goodput_ratio: Some(1.0),
        latency_ms: LatencyMs {
            p50: Some(200.0),
            p90: Some(350.0),
            p95: Some(420.0),
            p99: Some(600.0),
            max: Some(900.0),
        },
        errors: [].into(),
        attempts_per_order: Some(1.05),
        wasted_payments: 0,
        queue_depth_max: 0,
        in_flight_max: 20,
        services: [].into(),
        processes: [].into(),
        phases: [].into(),
        steps: vec![],
        metastability: None,
        responses: None,
        theory: None,
        priorities: [].into(),
        detection_s: None,
        alerts_total: None,
        alerts: vec![],
        traces: vec![],
        recovery_s: (fault != "none").then_some(0.0),
        settled: Default::default(),
        background: None,
        ledger: Default::default(),
        series: Series { bin_s: 1, ..Default::default() },
    }
}
