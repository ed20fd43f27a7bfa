//! What the process uses, under the names that every Prometheus client gives it. Absent where the node does not know.

use std::fmt;

use node::ProcessUsage;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;

/// One process' usage.
#[derive(Debug)]
pub(super) struct Process(pub(super) ProcessUsage);

impl Collector for Process {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        let Self(usage) = self;
        let cpu = encoder.encode_descriptor(
            "process_cpu_seconds",
            "User and system time spent",
            None,
            MetricType::Counter,
        );
        cpu?.encode_counter::<NoLabelSet, _, u64>(&usage.cpu.as_secs_f64(), None)?;
        let mut gauge = |name, help, value: f64| {
            encoder.encode_descriptor(name, help, None, MetricType::Gauge)?.encode_gauge(&value)
        };
        gauge("process_resident_memory_bytes", "Resident memory", usage.resident_bytes as f64)?;
        gauge("process_virtual_memory_bytes", "Virtual memory", usage.virtual_bytes as f64)?;
        gauge("process_open_fds", "Open descriptors", usage.descriptors as f64)?;
        if let Some(most) = usage.descriptors_max {
            gauge("process_max_fds", "Descriptors that may be open", most as f64)?;
        }
        let started = usage.started.as_secs_f64();
        gauge("process_start_time_seconds", "When the process was started, since the epoch", started)
    }
}
