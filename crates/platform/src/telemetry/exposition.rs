//! `GET /metrics`: the numbers as text, which Prometheus reads.
//!
//! Gauges and counters are read when somebody asks, by a collector; nothing is kept twice, and counting
//! costs no more because it can be scraped.

mod format;
mod process;

use std::fmt;
use std::sync::atomic::Ordering::Relaxed;

use node::ProcessUsage;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeMetric, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::gauge::ConstGauge;
use prometheus_client::registry::{Registry, Unit};
use resilience::breaker::BreakerState;

pub(crate) use self::format::Format;
use self::process::Process;
use super::histogram::Histogram;
use super::{
    AlertName, BACKLOG, CONNECTIONS, IN_FLIGHT, OUTBOX_PENDING, QUEUE_DEPTH, RUNNING, Tally, Telemetry,
    UNFINISHED, WAITING, WORKERS,
};
use crate::kind::ServiceKind;

/// Everything measured in the parts of one process, and what the process itself uses, as text. With several parts,
/// each name is prefixed with its part's.
pub(crate) fn expose(parts: &[&Telemetry], usage: Option<ProcessUsage>, format: Format) -> String {
    let mut registry = Registry::default();
    match parts {
        [only] => registry.register_collector(Box::new((*only).clone())),
        parts => {
            for part in parts {
                let prefix = part.kind().name().replace('-', "_");
                registry.sub_registry_with_prefix(prefix).register_collector(Box::new((*part).clone()));
            }
        }
    }
    if let Some(usage) = usage {
        registry.register_collector(Box::new(Process(usage)));
    }
    let mut text = String::new();
    prometheus_client::encoding::text::encode(&mut text, &registry).expect("a string takes all text");
    format.of(text)
}

impl Collector for Telemetry {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> Result<(), fmt::Error> {
        for (name, gauge) in self.gauges() {
            for (name, help) in exposed(name) {
                let value = ConstGauge::new(gauge.now());
                let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
                value.encode(metric)?;
            }
        }
        self.encode_requests(&mut encoder)?;
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
        self.events().encode(self.kind(), &mut encoder)?;
        self.encode_alerts(&mut encoder)
    }
}

impl Telemetry {
    /// How long requests and payments took, and what was turned away before it was a request.
    fn encode_requests(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let (name, help) = ("request_duration", "Requests from their head to their answer");
        let mut family =
            encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for (labels, took) in self.shared.requests.series() {
            let (sum_s, buckets) = took.read();
            let count = buckets.iter().map(|(_, count)| count).sum();
            // A series begins with its first request: most routes of most classes never have one.
            if count > 0 {
                family
                    .encode_family(&labels)?
                    .encode_histogram::<NoLabelSet>(sum_s, count, &buckets, None)?;
            }
        }
        let (name, help) = ("connections_turned_away", "Connections closed because too many were open");
        let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
        family.encode_counter::<NoLabelSet, _, u64>(&self.turned_away().now(), None)
    }

    /// What is no counter of the constraints: the limit, the waits for a worker, pauses and the breaker's state.
    fn encode_layers(&self, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        let layers = &self.shared.layers;
        if let limit @ 1.. = layers.limit.load(Relaxed) {
            encode_gauge(encoder, "admission_limit", "Orders in work at most", limit)?;
        }
        if matches!(self.kind(), ServiceKind::OrderApi | ServiceKind::PaymentService) {
            let (name, help) = ("idempotent_replays", "Answers given again to a key that had one");
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Counter)?;
            family.encode_counter::<NoLabelSet, _, u64>(&layers.replays(), None)?;
        }
        match self.kind() {
            ServiceKind::OrderApi | ServiceKind::NotificationService => {}
            ServiceKind::OrderProcessor => {
                encode_gauge(encoder, "retries_pausing", "Calls that pause", layers.pausing.load(Relaxed))?;
                encode_seconds(encoder, "queue_wait", "Waiting for a worker", &layers.queue_wait)?;
                let help = "Calls to payment from their start to their end, whoever ended them";
                encode_seconds(encoder, "payment_duration", help, &self.shared.payments)?;
            }
            ServiceKind::PaymentService => {
                let help = "Charges from their slot to their outcome";
                encode_seconds(encoder, "payment_duration", help, &self.shared.payments)?;
            }
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
            ServiceKind::PaymentService => {
                vec![&counters.requests, &counters.charges, &counters.dropped, &layers.idempotency]
            }
            ServiceKind::NotificationService => {
                vec![&counters.requests, &counters.notices, &counters.dropped]
            }
        }
    }
}

fn encode_gauge(encoder: &mut DescriptorEncoder<'_>, name: &str, help: &str, value: u64) -> fmt::Result {
    let metric = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
    ConstGauge::new(value).encode(metric)
}

fn encode_seconds(
    encoder: &mut DescriptorEncoder<'_>,
    name: &str,
    help: &str,
    took: &Histogram,
) -> fmt::Result {
    let mut metric = encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
    let (sum_s, buckets) = took.read();
    let count = buckets.iter().map(|(_, count)| count).sum();
    metric.encode_histogram::<NoLabelSet>(sum_s, count, &buckets, None)
}

/// A gauge's names in the text, each with its help. At payment, what is in work and what waits have the names that
/// they have everywhere as well.
fn exposed(gauge: &'static str) -> &'static [(&'static str, &'static str)] {
    match gauge {
        IN_FLIGHT => &[("in_flight_requests", "Orders in work")],
        QUEUE_DEPTH => &[(QUEUE_DEPTH, "Orders waiting for a worker")],
        CONNECTIONS => &[(CONNECTIONS, "Open connections")],
        RUNNING => &[
            (RUNNING, "Payments that hold a slot"),
            ("in_flight_requests", "Payments in work: those that hold a slot"),
        ],
        WAITING => &[
            (WAITING, "Payments that wait for a slot"),
            (QUEUE_DEPTH, "Payments in the queue: those that wait for a slot"),
        ],
        BACKLOG => &[(BACKLOG, "Orders accepted and in no final state")],
        OUTBOX_PENDING => &[(OUTBOX_PENDING, "Messages committed and not sent yet")],
        WORKERS => &[(WORKERS, "Payments that may be under way at once, as of now")],
        UNFINISHED => &[(UNFINISHED, "Orders that are in no final state")],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use domain::OrderState;

    use super::*;

    fn open_metrics(telemetry: &Telemetry) -> String {
        expose(&[telemetry], None, Format::OpenMetrics)
    }

    #[test]
    fn what_was_counted_can_be_read() {
        let telemetry = Telemetry::new(ServiceKind::OrderApi);
        let _inside = telemetry.gauge(IN_FLIGHT).enter();
        telemetry.counters().order(OrderState::Completed);
        let text = open_metrics(&telemetry);
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
        assert!(!open_metrics(&telemetry).contains("breaker_state"), "without a breaker it has no state");
        let opened = Transition { from: BreakerState::Closed, to: BreakerState::Open };
        telemetry.transition(opened);
        telemetry.timed_out(Scope::Attempt, std::time::Duration::from_secs(1));
        resilience::Observer::waited(&telemetry, std::time::Duration::from_millis(3));
        let text = open_metrics(&telemetry);
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
        let text = open_metrics(&telemetry);
        assert!(text.contains("attempts_exhausted_total 1\n"), "{text}");
    }
}
