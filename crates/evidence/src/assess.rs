//! Judgement: facts in, one cell of the record out.
//!
//! A pure function: the same facts give the same bytes, whichever world they came from.

use std::time::Duration;

use crate::attempts::{Attempts, wasted_payments};
use crate::background::background;
use crate::detection::{alerts, detection_s};
use crate::facts::Facts;
use crate::goodput::{Goodput, steady_window};
use crate::latency::Latencies;
use crate::ledger;
use crate::metastability::metastability;
use crate::outcomes::{Outcome, Tally};
use crate::phases::phases;
use crate::priorities::priorities;
use crate::processes::processes;
use crate::record::{Cell, LoadRecord};
use crate::recovery::recovery_s;
use crate::responses::{Detail, responses, theory};
use crate::rounding;
use crate::series::series;
use crate::services::{in_flight_max, queue_depth_max, services};
use crate::steps::steps;
use crate::traces::traces;

/// What the facts do not say: which cell they belong to.
#[derive(Clone, Debug, PartialEq)]
pub struct CellMeta {
    /// The design's name.
    pub design: String,
    /// The fault's name; `none` without one.
    pub fault: String,
    /// The seed.
    pub seed: u64,
    /// The load that was asked for.
    pub load: LoadRecord,
    /// The load's name, if it has one.
    pub load_name: Option<String>,
    /// Within what time after its intended send a success is goodput; [`SLO`](crate::SLO) by default.
    pub slo: Duration,
    /// What payment can do undisturbed, in successful orders per second.
    pub capacity_per_s: f64,
    /// What is needed for what every request took; `None` leaves that out of the cell.
    pub detail: Option<Detail>,
}

/// Computes every number of a cell. The facts may be of any platform; what they do not mention counts as
/// nothing, except a gauge that has a bound: [`ledger::bounds_exceeded`] wants it reported.
#[must_use]
pub fn assess(meta: CellMeta, facts: &Facts) -> Cell {
    let tally = Tally::of(&facts.asked);
    let goodput = Goodput::within(facts, meta.slo);
    let steps = steps(&meta.load, facts, &goodput);
    let (steady_from, steady_to) = steady_window(facts);
    let offered = facts.asked.len() as u64;
    let successes = || facts.asked.iter().filter(|order| Outcome::of(order.answer) == Outcome::Succeeded);
    let (alerts, alerts_total) = alerts(facts);
    let last_success_us = successes().map(|order| order.done_us).max().unwrap_or(0);
    Cell {
        design: meta.design,
        fault: meta.fault,
        seed: meta.seed,
        virtual_s: rounding::seconds(facts.ended_us),
        load: meta.load,
        load_name: meta.load_name,
        slo_s: meta.slo.as_secs_f64(),
        fault_window_s: facts
            .fault_window_us
            .map(|(from, to)| [rounding::seconds(from), rounding::seconds(to)]),
        offered,
        late_sends: facts.late_sends,
        dropped_sends: tally.dropped_sends,
        succeeded: tally.succeeded,
        declined: tally.declined,
        rejected: tally.rejected,
        failed: tally.failed,
        timed_out: tally.timed_out,
        success_ratio: rounding::share(tally.succeeded, offered),
        capacity_per_s: rounding::rate(meta.capacity_per_s),
        throughput_per_s: per_second(tally.succeeded, 0, facts.load_end_us.max(last_success_us)),
        goodput_per_s: per_second(goodput.good(steady_from, steady_to), steady_from, steady_to),
        goodput_ratio: goodput.ratio(steady_from, steady_to).map(rounding::ratio),
        latency_ms: successes().collect::<Latencies>().cell(),
        errors: tally.errors,
        attempts_per_order: facts.payment_calls.values().copied().collect::<Attempts>().per_order(),
        wasted_payments: wasted_payments(facts),
        queue_depth_max: queue_depth_max(facts),
        in_flight_max: in_flight_max(facts),
        services: services(facts),
        processes: processes(facts),
        phases: phases(facts, &goodput),
        metastability: metastability(&steps),
        steps,
        responses: meta.detail.as_ref().map(|detail| responses(detail, facts)),
        theory: meta.detail.as_ref().map(|detail| theory(detail, facts)),
        priorities: priorities(facts),
        detection_s: detection_s(facts),
        alerts_total,
        alerts,
        traces: traces(facts),
        recovery_s: recovery_s(facts, &goodput),
        settled: facts.settled,
        background: background(facts),
        ledger: ledger::check(facts),
        series: series(facts, &goodput),
    }
}

/// `count` per second of `[from, to)`; 0 for an empty window.
fn per_second(count: u64, from_us: u64, to_us: u64) -> f64 {
    match to_us.saturating_sub(from_us) {
        0 => 0.0,
        us => rounding::rate(count as f64 * 1e6 / us as f64),
    }
}
