//! Verdicts: an expectation, and whether a cell met it.
//!
//! The laboratory, which knows the expectations, makes them; the type lives here so that reports can print
//! them without knowing the laboratory.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// One expectation held against one cell.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Verdict {
    /// The lesson that the expectation proves.
    pub lesson: String,
    /// The metric, as its path in a cell: `goodput_ratio`, `latency_ms.p99`,
    /// `services.payment-service.waiting_max`.
    pub metric: String,
    /// The cell: its index in the record.
    pub cell: usize,
    /// What the cell has; null when it is not defined there.
    pub value: Option<f64>,
    /// What was expected, in words: `≥ 0.93`, `null`.
    pub expected: String,
    /// Whether it held.
    pub passed: bool,
    /// By how much it failed, in words; null when it passed or when no distance can be given.
    pub off_by: Option<String>,
    /// The command that runs exactly this cell again.
    pub replay: String,
}
