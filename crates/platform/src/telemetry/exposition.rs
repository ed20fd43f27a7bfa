//! `GET /metrics`: the numbers as OpenMetrics text, which Prometheus reads.
//!
//! Gauges and counters are read when somebody asks, by a collector; nothing is kept twice, and counting
//! costs no more because it can be scraped.

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use resilience::breaker::BreakerState;

use super::{AlertName, CONNECTIONS, IN_FLIGHT, QUEUE_DEPTH, RUNNING, Tally, Telemetry, WAITING};
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

/// Everything measured in the parts of one process, as text: each name prefixed with its part's.
pub(crate) fn expose_all(parts: &[&Telemetry]) -> String {
    let mut registry = Registry::default();
    for part in parts {
        let prefix = part.kind().name().replace('-', "_");
        registry.sub_registry_with_prefix(prefix).register_collector(Box::new((*part).clone()));
    }
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
        self.encode_layers(&mut encoder)?;
        self.encode_alerts(&mut encoder)
    }
}

impl Telemetry {
    /// What is no counter of the constraints: the limit, the waits for a worker, pauses and the breaker's state.
    fn encode_layers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let layers = &self.shared.layers;
        let mut gauge = |name, help, value: u64| {
            let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            ConstGauge::new(value).encode(metric)
        };
        match self.kind() {
            ServiceKind::OrderApi => gauge("limit", "Orders in work at most", layers.limit.load(Relaxed))?,
            ServiceKind::OrderProcessor => {
                gauge("retries_pausing", "Calls that pause", layers.pausing.load(Relaxed))?;
                let (name, help) = ("queue_wait", "Waiting for a worker");
                let mut metric =
                    encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
                let (sum_s, buckets) = layers.queue_wait.read();
                let count = buckets.iter().map(|(_, count)| count).sum();
                metric.encode_histogram::<NoLabelSet>(sum_s, count, &buckets, None)?;
            }
            ServiceKind::PaymentService => {}
        }
        let Some(now) = layers.breaker() else { return Ok(()) };
        let (name, help) = ("breaker_state", "1 for the state that the breaker is in");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for state in BreakerState::ALL {
            let labels = [("state", state.as_str())];
            family.encode_family(&labels)?.encode_gauge(&u32::from(state == now))?;
        }
        Ok(())
    }

    /// How often each alert began, and whether it is on; nothing when nobody watches.
    fn encode_alerts(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let log = self.alert_log().clone();
        let Some(log) = log else { return Ok(()) };
        let labels = |name: AlertName| [("alert", name.as_str()), ("about", name.about().as_str())];
        let mut begun = encoder.encode_descriptor("alerts", "Alerts begun", None, MetricType::Counter)?;
        for name in AlertName::ALL {
            let (count, _) = log.count(name);
            begun.encode_family(&labels(name))?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
        }
        let mut on = encoder.encode_descriptor("alert_on", "1 while it is on", None, MetricType::Gauge)?;
        for name in AlertName::ALL {
            let (_, is_on) = log.count(name);
            on.encode_family(&labels(name))?.encode_gauge(&u32::from(is_on))?;
        }
        Ok(())
    }

    /// The counters that this kind of service counts.
    fn tallies(&self) -> Vec<&Tally> {
        let counters = self.counters();
        let layers = &self.shared.layers;
        match self.kind() {
            ServiceKind::OrderApi => {
                vec![
                    &counters.requests,
                    &counters.orders,
                    &counters.payments,
                    &counters.dropped,
                    &layers.timeouts,
                    &layers.idempotency,
                    &layers.decided_alone,
                ]
            }
            ServiceKind::OrderProcessor => {
                vec![
                    &counters.requests,
                    &counters.attempts,
                    &counters.exhausted,
                    &counters.dropped,
                    &layers.timeouts,
                    &layers.retries,
                    &layers.gave_up,
                    &layers.breaker_transitions,
                    &layers.breaker_judged,
                ]
            }
            ServiceKind::PaymentService => vec![&counters.requests, &counters.charges, &layers.idempotency],
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
    fn the_constraints_are_told_with_their_labels() {
        use resilience::breaker::{BreakerObserver, Transition};
        use resilience::timeouts::{Scope, TimeoutObserver};

        let telemetry = Telemetry::new(ServiceKind::OrderProcessor);
        assert!(!expose(&telemetry).contains("breaker_state"), "without a breaker it has no state");
        let opened = Transition { from: BreakerState::Closed, to: BreakerState::Open };
        telemetry.transition(opened);
        telemetry.timed_out(Scope::Attempt, std::time::Duration::from_secs(1));
        resilience::Observer::waited(&telemetry, std::time::Duration::from_millis(3));
        let text = expose(&telemetry);
        for line in [
            "breaker_state{state=\"open\"} 1\n",
            "breaker_state{state=\"closed\"} 0\n",
            "breaker_transitions_total{to=\"open\"} 1\n",
            "timeouts_total{kind=\"attempt-timed-out\"} 1\n",
            "queue_wait_seconds_bucket{le=\"0.001\"} 0\n",
            "queue_wait_seconds_bucket{le=\"0.005\"} 1\n",
            "queue_wait_seconds_count 1\n",
        ] {
            assert!(text.contains(line), "{line} is missing in {text}");
        }
    }

    #[test]
    fn a_counter_without_a_label_is_written_plainly() {
        let telemetry = Telemetry::new(ServiceKind::OrderProcessor);
        telemetry.counters().exhausted();
        let text = expose(&telemetry);
        assert!(text.contains("attempts_exhausted_total 1\n"), "{text}");
    }
}
