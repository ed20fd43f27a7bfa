//! What a cell carries beside the rest when its experiment asks for it: what every request took, and how that compares
//! with what payment could do at best.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How long every request took, failures included: a request that was given up took until then.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Responses {
    /// How long a client waits before it gives up.
    pub client_timeout_s: f64,
    /// Every request, however late its end.
    pub all: ResponseSummary,
    /// Only what had ended when the load did: what a load generator reports that stops with its load.
    pub by_load_end: ResponseSummary,
    /// The width of a bin of the histogram.
    pub bin_ms: f64,
    /// Every request by how long it took, for each outcome (`succeeded`, `declined`, `rejected`, `failed`,
    /// `timed_out`): element `i` counts from `i` to `i + 1` bins, the last one everything above.
    pub histogram: BTreeMap<String, Vec<u64>>,
}

/// Some requests in a few numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseSummary {
    /// How many.
    pub requests: u64,
    /// Answered with 2xx.
    pub succeeded: u64,
    /// All others: declined, refused, failed and timed out.
    pub failed: u64,
    /// `failed ÷ requests`.
    pub failure_ratio: Option<f64>,
    /// From the intended send until the answer, or until the client gave up.
    pub time_ms: ResponseMs,
}

/// How long requests took, in milliseconds; all null when there were none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ResponseMs {
    /// Mean.
    pub mean: Option<f64>,
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

/// What payment could do at best while the load lasted, and what became of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Theory {
    /// How many payment services share the work.
    pub replicas: u32,
    /// Payments that one of them does at once.
    pub slots: u32,
    /// How long one takes on average.
    pub service_time_s: f64,
    /// The load's duration.
    pub duration_s: f64,
    /// `replicas × slots ÷ service time × duration`, less what fails and what a fault takes away.
    pub maximum_orders: f64,
    /// Payments that were over when the load was: charges, and declines that somebody waited for.
    pub payments: u64,
    /// Of those, charges whose client had gone.
    pub payments_for_nobody: u64,
    /// Orders answered with success when the load was over.
    pub served: u64,
    /// `payments ÷ maximum_orders`: how busy payment was.
    pub busy_ratio: Option<f64>,
    /// `served ÷ maximum_orders`: how much of it was of use.
    pub useful_ratio: Option<f64>,
}
