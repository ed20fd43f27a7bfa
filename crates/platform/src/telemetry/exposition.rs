//! `GET /metrics`: the numbers as OpenMetrics text, which Prometheus reads.
//!
//! Gauges and counters are read when somebody asks, by a collector; nothing is kept twice, and counting
//! costs no more because it can be scraped.

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::Registry;

use super::{CONNECTIONS, IN_FLIGHT, QUEUE_DEPTH, RUNNING, Tally, Telemetry, WAITING};
use crate::kind::ServiceKind;

/// The media type of the text.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything measured, as text.
pub(crate) fn expose(telemetry: &Telemetry) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(telemetry.clone()));
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string takes all text");
    text
}

impl Collector for Telemetry {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, gauge) in self.gauges() {
            let (name, help) = exposed(name);
            let value = ConstGauge::new(gauge.now());
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            value.encode(metric)?;
        }
        for tally in self.tallies() {
            let mut family = encoder.encode_descriptor(tally.name, tally.help, None, MetricType::Counter)?;
            for (value, count) in tally.counts() {
                if tally.label.is_empty() {
                    family.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
                } else {
                    let labels = [(tally.label, value)];
                    family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
                }
            }
        }
        Ok(())
    }
}

impl Telemetry {
    /// The counters that this kind of service counts.
    fn tallies(&self) -> Vec<&Tally> {
        let counters = self.counters();
        match self.kind() {
            ServiceKind::OrderApi => {
                vec![&counters.requests, &counters.orders, &counters.payments, &counters.dropped]
            }
            ServiceKind::OrderProcessor => {
                vec![&counters.requests, &counters.attempts, &counters.exhausted, &counters.dropped]
            }
            ServiceKind::PaymentService => vec![&counters.requests, &counters.charges],
        }
    }
}

/// A gauge's name and help in the text.
fn exposed(gauge: &'static str) -> (&'static str, &'static str) {
    match gauge {
        IN_FLIGHT => ("in_flight_requests", "Orders in work"),
        QUEUE_DEPTH => (QUEUE_DEPTH, "Orders waiting for a worker"),
        CONNECTIONS => (CONNECTIONS, "Open connections"),
        RUNNING => (RUNNING, "Payments that hold a slot"),
        WAITING => (WAITING, "Payments that wait for a slot"),
        other => (other, ""),
    }
}

#[cfg(test)]
mod tests {
    use domain::OrderState;

    use super::*;

    #[test]
    fn what_was_counted_can_be_read() {
        let telemetry = Telemetry::new(ServiceKind::OrderApi);
        let _inside = telemetry.gauge(IN_FLIGHT).enter();
        telemetry.counters().order(OrderState::Completed);
        let text = expose(&telemetry);
        assert!(text.contains("in_flight_requests 1\n"), "{text}");
        assert!(text.contains("orders_total{state=\"completed\"} 1\n"), "{text}");
        assert!(text.contains("orders_total{state=\"failed\"} 0\n"), "{text}");
        assert!(text.ends_with("# EOF\n"), "{text}");
    }

    #[test]
    fn a_counter_without_a_label_is_written_plainly() {
        let telemetry = Telemetry::new(ServiceKind::OrderProcessor);
        telemetry.counters().exhausted();
        let text = expose(&telemetry);
        assert!(text.contains("attempts_exhausted_total 1\n"), "{text}");
    }
}
