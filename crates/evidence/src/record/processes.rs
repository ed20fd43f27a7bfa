//! What a process of the platform used, as the record keeps it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What one process used: the same name goes on through a kill and a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ProcessRecord {
    /// Processor seconds within each second, from the start of the load to the end of the run.
    pub cpu_s: Vec<f64>,
    /// Resident memory at the end of each second; 0 while there was no such process.
    pub resident_bytes: Vec<u64>,
    /// Open descriptors at the end of each second; 0 while there was no such process.
    pub descriptors: Vec<u64>,
    /// Processor seconds in all.
    pub cpu_total_s: f64,
    /// Processors that were busy with it on average while the load lasted: 1 is one of them all the time.
    pub cpu_cores: Option<f64>,
    /// The most resident memory.
    pub resident_bytes_max: u64,
    /// The most open descriptors.
    pub descriptors_max: u64,
    /// Mean resident memory of the load's last minute ÷ that of its first after a minute of warming up; null when the
    /// load was shorter than these three minutes.
    pub resident_growth: Option<f64>,
    /// The same of open descriptors.
    pub descriptors_growth: Option<f64>,
}
