//! The record that a run leaves (`ladder.json`, `run.json`): stable names, add and never rename.
//!
//! Every number here is computed by this crate from [`crate::facts::Facts`]. Floating-point values are
//! rounded when they are computed, so that the file is short and its bytes do not depend on noise
//! beyond what a reader could use. `null` means "not defined" (0 ÷ 0, no fault, never recovered).

mod load;
mod processes;
mod responses;
mod search;
mod sections;
mod steps;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use load::{LoadRecord, LoadStep};
pub use processes::ProcessRecord;
pub use responses::{ResponseMs, ResponseSummary, Responses, Theory};
pub use search::{Goal, Search, Trial};
pub use sections::{Expected, HistogramOf, OrderValue, Section, SectionKind};
pub use steps::{Metastability, Stability, Step};

/// The version of this format.
pub const SCHEMA: u32 = 1;

/// All cells of one experiment.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Record {
    /// [`SCHEMA`].
    pub schema: u32,
    /// The experiment's name, for example `ladder`.
    pub experiment: String,
    /// `sim` or `local`.
    pub world: String,
    /// The (first) seed.
    pub seed: u64,
    /// Real seconds that the whole experiment took: the only value that differs between two runs of one seed.
    pub wall_s: f64,
    /// What the world does not model: printed at the foot of every report.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub not_modelled: Vec<String>,
    /// What about the machine may have distorted the numbers, as it was said before the run; only where it is real.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
    /// What reports show beside what every report shows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sections: Vec<Section>,
    /// What was searched for, and found.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub searches: Vec<Search>,
    /// One entry per design, load, fault and seed.
    pub cells: Vec<Cell>,
}

/// One design under one load and one fault with one seed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cell {
    /// The design's name.
    pub design: String,
    /// The fault's name; `none` without one.
    pub fault: String,
    /// The seed.
    pub seed: u64,
    /// Seconds of virtual time (real time in a real world) until the run came to rest.
    pub virtual_s: f64,
    /// The load.
    pub load: LoadRecord,
    /// The load's name, where the experiment gives it one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_name: Option<String>,
    /// The service level: a success later than so many seconds after its intended send time is no goodput.
    #[serde(default = "slo_s_default")]
    pub slo_s: f64,
    /// Start and end of the fault in seconds; null without a fault.
    pub fault_window_s: Option<[f64; 2]>,
    /// Orders that the schedule asked for: exactly the sum of the five outcomes.
    pub offered: u64,
    /// Sends that left later than the generator's tolerance.
    pub late_sends: u64,
    /// Sends that never left, because the generator's bound on outstanding requests was reached. Counted as failed.
    pub dropped_sends: u64,
    /// 2xx.
    pub succeeded: u64,
    /// 402.
    pub declined: u64,
    /// 429, and 503 of a breaker or a dependency.
    pub rejected: u64,
    /// Every other answer or connection error.
    pub failed: u64,
    /// 504 and the client's own timeout.
    pub timed_out: u64,
    /// `succeeded ÷ offered`.
    pub success_ratio: Option<f64>,
    /// What payment can do undisturbed, in successful orders per second.
    pub capacity_per_s: f64,
    /// 2xx answers per second, however late: from the start until the load is over and the last of them is in.
    pub throughput_per_s: f64,
    /// Successes within the SLO (`slo_s`) per second of the steady window.
    pub goodput_per_s: f64,
    /// Goodput ÷ what was possible, over the steady window.
    pub goodput_ratio: Option<f64>,
    /// Of successful answers, from the intended send time.
    pub latency_ms: LatencyMs,
    /// Answers other than 2xx and 402 by status, and errors by kind (`timeout`, `connect`, `reset`, `broken`, `dropped`).
    pub errors: BTreeMap<String, u64>,
    /// Payment calls made ÷ orders that made at least one.
    pub attempts_per_order: Option<f64>,
    /// Charges whose original client had gone.
    pub wasted_payments: u64,
    /// The longest queue anywhere in the platform.
    pub queue_depth_max: u64,
    /// Most orders in work at once at order-api; of several replicas the sum of each one's most.
    pub in_flight_max: u64,
    /// Maxima and bounds by service.
    pub services: BTreeMap<String, ServiceRecord>,
    /// What each process used, by name, the load generator's among them; only where processes are real.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub processes: BTreeMap<String, ProcessRecord>,
    /// The run in phases around the fault (`before`, `onset`, `during`, `after`).
    pub phases: BTreeMap<String, Phase>,
    /// The run step by step, for a load in steps.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<Step>,
    /// Whether the platform came back from a peak, for a load in steps that has one and returns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metastability: Option<Metastability>,
    /// What every request took, where the experiment asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub responses: Option<Responses>,
    /// The theoretical maximum and what became of it, where the experiment asks for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub theory: Option<Theory>,
    /// Outcomes by priority (`high`, `normal`), where orders claim one.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub priorities: BTreeMap<String, PriorityRecord>,
    /// Seconds from the start of the fault to the first alert of the platform's own that begins after it and names
    /// latency or the dependency; null = no such alert, or no fault.
    pub detection_s: Option<f64>,
    /// Alerts that the platform raised by itself; null when its design watches for none.
    #[serde(default)]
    pub alerts_total: Option<u64>,
    /// The first of them, in the order in which they began.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub alerts: Vec<AlertRecord>,
    /// The way of a few orders through the services: those that tell most.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub traces: Vec<TraceRecord>,
    /// Seconds from the end of the fault to recovery; null = never within the run, or no fault.
    pub recovery_s: Option<f64>,
    /// Unknown outcomes that were settled in the background.
    pub settled: Settled,
    /// What became of orders after they were answered; only where services are joined by events.
    #[serde(default, rename = "async", skip_serializing_if = "Option::is_none")]
    pub background: Option<Background>,
    /// Violations of the invariants.
    pub ledger: Ledger,
    /// One-second bins.
    pub series: Series,
}

/// A latency distribution in milliseconds; all null when nothing was measured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LatencyMs {
    /// Median.
    pub p50: Option<f64>,
    /// 90th percentile.
    pub p90: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
    /// Maximum.
    pub max: Option<f64>,
}

/// One service's maxima: `<gauge>_max` for each gauge, and the bounds of the same gauges.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ServiceRecord {
    /// `in_flight_max`, `queue_depth_max`, `connections_max`, `running_max`, `waiting_max`, …
    #[serde(flatten)]
    pub max: BTreeMap<String, u64>,
    /// Declared bounds by gauge name without `_max`.
    pub bounds: BTreeMap<String, u64>,
}

/// The orders of one priority.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PriorityRecord {
    /// Exactly the sum of the five outcomes.
    pub offered: u64,
    /// As for the cell.
    pub succeeded: u64,
    /// As for the cell.
    pub declined: u64,
    /// As for the cell.
    pub rejected: u64,
    /// As for the cell.
    pub failed: u64,
    /// As for the cell.
    pub timed_out: u64,
    /// `succeeded ÷ offered`.
    pub success_ratio: Option<f64>,
    /// Of successes.
    pub latency_ms: PhaseLatencyMs,
}

/// The service level of records from before it was written down.
const fn slo_s_default() -> f64 {
    crate::SLO.as_secs_f64()
}

/// One phase of a run, by intended send time.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Phase {
    /// Orders whose intended send time lies in the phase.
    pub offered: u64,
    /// As for the cell, within the phase.
    pub goodput_ratio: Option<f64>,
    /// As for the cell, of the orders of the phase.
    pub attempts_per_order: Option<f64>,
    /// Of successes.
    pub latency_ms: PhaseLatencyMs,
    /// Of every answer that is neither success nor decline (429, 503, 504).
    pub refusal_latency_ms: RefusalLatencyMs,
    /// Payment calls made for the orders of the phase.
    pub payment_calls: u64,
    /// `payment_calls ÷ offered`: below 1 where orders are refused before payment is asked.
    #[serde(default)]
    pub payment_calls_per_offered: Option<f64>,
}

/// Median and 99th percentile in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseLatencyMs {
    /// Median.
    pub p50: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

/// How long a refusal took, in milliseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct RefusalLatencyMs {
    /// Median.
    pub p50: Option<f64>,
    /// 95th percentile.
    pub p95: Option<f64>,
    /// 99th percentile.
    pub p99: Option<f64>,
}

/// One alert of the platform's own.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AlertRecord {
    /// Its name, for example `dependency-slow`.
    pub name: String,
    /// What it is about: `dependency`, `latency`, `saturation`, `objective`.
    pub about: String,
    /// The service that raised it.
    pub service: String,
    /// When it began, in seconds.
    pub at_s: f64,
    /// When it ended; null when it was on at the end of the run.
    pub ended_s: Option<f64>,
    /// What was found when it began: a share, a multiple, or seconds.
    pub value: f64,
    /// What was too much then, in the same unit.
    pub threshold: f64,
}

/// The way of one order through the services.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct TraceRecord {
    /// Why it was chosen: `as usual`, `the slowest success`, `failed during the fault`, …
    pub why: String,
    /// The order.
    pub order: String,
    /// When the first span began, in seconds.
    pub at_s: f64,
    /// What its client was answered: a status, or a kind of error.
    pub answer: String,
    /// How long that took, from the intended send time.
    pub latency_ms: f64,
    /// How many spans there are.
    pub spans_total: u64,
    /// The first of them, each after the one it is within.
    pub spans: Vec<SpanRecord>,
}

/// Something that a service did for an order. Times are from the trace's first span on.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SpanRecord {
    /// Who did it.
    pub service: String,
    /// What was done.
    pub name: String,
    /// Within how many others it happened.
    pub depth: u32,
    /// When it began.
    pub from_ms: f64,
    /// When it ended.
    pub to_ms: f64,
    /// How, in a word.
    pub outcome: String,
    /// Which attempt at the payment it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
}

/// Unknown outcomes, settled in the background.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Settled {
    /// Found charged, and completed.
    pub completed: u64,
    /// Found not charged, voided and failed.
    pub failed: u64,
    /// Charged after all, and refunded.
    pub refunded: u64,
}

/// Orders that were accepted first and dealt with afterwards.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Background {
    /// Answered with success: the platform has promised to deal with them.
    pub accepted: u64,
    /// Of those, paid and done.
    pub completed: u64,
    /// Of those, declined.
    pub declined: u64,
    /// Of those, given up.
    pub failed: u64,
    /// Of those, told to their customers.
    pub notified: u64,
    /// From the intended send time to a final state, of those that were accepted.
    pub completion_ms: LatencyMs,
    /// From the intended send time to the first notice, of those that were accepted.
    pub notice_ms: LatencyMs,
    /// Most orders at once that were accepted and in no final state.
    pub backlog_max: u64,
    /// Seconds from the start of the load until the last order came into a final state; null when none did.
    pub last_done_s: Option<f64>,
    /// Messages that were put aside for good, each once for every group of consumers that has.
    pub dead_letters: u64,
    /// Messages that were published although nobody can read them.
    pub poisoned: u64,
}

/// Violations only: all zero is good.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Ledger {
    /// Answered 200/202, but missing or not in the answered state or further.
    pub lost: u64,
    /// Orders with more than one successful charge.
    pub double_charged: u64,
    /// Orders not completed that carry a charge that was not refunded.
    pub ghost_charged: u64,
    /// Accepted, and in no final state after the quiet period.
    pub stuck: u64,
    /// Told more than once.
    pub duplicate_notified: u64,
    /// Gauges that went above the bound that the design declares, or were never reported.
    pub bounds_exceeded: u64,
}

/// One-second bins; element `i` is the second from `i` to `i + 1`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Series {
    /// Width of a bin in seconds.
    pub bin_s: u32,
    /// Orders by intended send time.
    pub offered: Vec<u64>,
    /// Of those, answered with success within the SLO.
    pub goodput: Vec<u64>,
    /// 2xx answers by the time of the answer.
    pub throughput: Vec<u64>,
    /// Most orders in work at order-api within the second.
    pub in_flight: Vec<u64>,
    /// The longest queue anywhere within the second.
    pub queue_depth: Vec<u64>,
    /// Most open connections of order-api (all its replicas) within the second.
    pub connections: Vec<u64>,
    /// Median latency of successes by intended send time.
    pub p50_ms: Vec<Option<f64>>,
    /// 99th percentile of the same.
    pub p99_ms: Vec<Option<f64>>,
    /// Payment calls made.
    pub attempts: Vec<u64>,
    /// What payment could do, in successful orders.
    pub capacity: Vec<f64>,
    /// Most orders that were accepted and in no final state within the second; only where services are joined by events.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub backlog: Vec<u64>,
    /// Answers other than 2xx and 402 by kind, by the time of the answer.
    pub errors: BTreeMap<String, Vec<u64>>,
    /// The same gauges for each service.
    pub services: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
}
