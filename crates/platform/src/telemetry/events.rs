//! What a service measures of the events that it tells and deals with. All labels are closed sets: the platform's topics
//! and groups, and the reasons for which an event can fail.

use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use domain::broker::Lag;
use domain::event::{NOTICES, ORDERS, PAYMENTS};
use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Unit;

use super::counters::Tally;
use super::histogram::Histogram;
use crate::events::Why;
use crate::kind::ServiceKind;

const TOPICS: &[&str] = &[ORDERS, PAYMENTS, NOTICES];

/// Every group of consumers, with its topic.
pub const EVENT_GROUPS: [(&str, &str); 4] = [
    (ORDERS, "order-processor"),
    (PAYMENTS, "order-api"),
    (PAYMENTS, "notification-service"),
    (NOTICES, "order-api"),
];

/// What one service measures of events. Nothing of it is told before a process ran in which there are any.
#[derive(Debug)]
pub(crate) struct EventMetrics {
    /// A process ran in which there are events.
    is_on: AtomicBool,
    /// One ran in which there are none.
    are_none: AtomicBool,
    published: Tally,
    buried: Tally,
    leases_lost: Tally,
    failed: Box<[[AtomicU64; Why::ALL.len()]]>,
    groups: [Consumed; EVENT_GROUPS.len()],
}

/// What was consumed by one group.
#[derive(Debug, Default)]
struct Consumed {
    /// How far it is behind.
    lag: Known,
    /// What it has put aside and what waits for people.
    letters: Known,
    took: Histogram,
}

/// A number as the broker said it last, plus 1; 0 as long as nobody knows.
#[derive(Debug, Default)]
struct Known(AtomicU64);

impl Known {
    fn set(&self, value: Option<u64>) {
        self.0.store(value.map_or(0, |value| value.saturating_add(1)), Relaxed);
    }

    fn get(&self) -> Option<u64> {
        self.0.load(Relaxed).checked_sub(1)
    }
}

impl Default for EventMetrics {
    fn default() -> Self {
        let tally = |name, help| Tally::new(name, help, "topic", TOPICS);
        Self {
            is_on: AtomicBool::new(false),
            are_none: AtomicBool::new(false),
            published: tally("events_published", "Events that the broker has taken"),
            buried: tally("events_buried", "Events that were put aside"),
            leases_lost: tally("event_leases_lost", "Events that others got because a lease was over"),
            failed: TOPICS.iter().map(|_| Default::default()).collect(),
            groups: Default::default(),
        }
    }
}

impl EventMetrics {
    /// A process runs in which there are events, or none.
    pub(super) fn begin(&self, are_there: bool) {
        self.is_on.store(are_there, Relaxed);
        self.are_none.store(!are_there, Relaxed);
    }

    /// Whether it is known that there are no events.
    pub(super) fn are_none(&self) -> bool {
        self.are_none.load(Relaxed)
    }

    pub(crate) fn published(&self, topic: &str, n: u64) {
        count(&self.published, topic, n);
    }

    pub(crate) fn buried(&self, topic: &str, n: u64) {
        count(&self.buried, topic, n);
    }

    pub(crate) fn leases_lost(&self, topic: &str, n: u64) {
        count(&self.leases_lost, topic, n);
    }

    pub(crate) fn failed(&self, topic: &str, why: Why) {
        let place = TOPICS.iter().position(|known| *known == topic);
        if let Some(of_topic) = place.and_then(|place| self.failed.get(place)) {
            of_topic[why as usize].fetch_add(1, Relaxed);
        }
    }

    /// What the broker said of a group. Where it did not, nothing is told: what was known before would be read as what is.
    pub(crate) fn stands(&self, topic: &str, group: &str, lag: Option<Lag>) {
        if let Some(consumed) = self.group(topic, group) {
            consumed.lag.set(lag.map(Lag::total));
            consumed.letters.set(lag.and_then(|lag| lag.dead_letters));
        }
    }

    pub(crate) fn processed(&self, topic: &str, group: &str, took: Duration) {
        if let Some(consumed) = self.group(topic, group) {
            consumed.took.record(took);
        }
    }

    fn group(&self, topic: &str, group: &str) -> Option<&Consumed> {
        let place = EVENT_GROUPS.iter().position(|known| *known == (topic, group))?;
        self.groups.get(place)
    }

    pub(super) fn encode(&self, kind: ServiceKind, encoder: &mut DescriptorEncoder<'_>) -> fmt::Result {
        if !self.is_on.load(Relaxed) || kind == ServiceKind::PaymentService {
            return Ok(());
        }
        for tally in [&self.published, &self.buried, &self.leases_lost] {
            let mut family = encoder.encode_descriptor(tally.name, tally.help, None, MetricType::Counter)?;
            for (topic, count) in tally.counts() {
                let labels = [(tally.label, topic)];
                family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        let help = "Attempts at an event that did not deal with it";
        let mut family = encoder.encode_descriptor("events_failed", help, None, MetricType::Counter)?;
        for (topic, reasons) in TOPICS.iter().zip(&self.failed) {
            for (why, count) in Why::ALL.iter().zip(reasons) {
                let labels = [("topic", *topic), ("reason", why.as_str())];
                let count = count.load(Relaxed);
                family.encode_family(&labels)?.encode_counter::<NoLabelSet, _, u64>(&count, None)?;
            }
        }
        let groups = || EVENT_GROUPS.iter().zip(&self.groups);
        let labels = |topic: &'static str, group: &'static str| [("topic", topic), ("group", group)];
        let gauges: [(_, _, Reading); 2] = [
            ("consumer_lag", "Events that a group has not dealt with", |consumed| &consumed.lag),
            ("dead_letters", "Events that a group has put aside", |consumed| &consumed.letters),
        ];
        for (name, help, read) in gauges {
            let mut family = encoder.encode_descriptor(name, help, None, MetricType::Gauge)?;
            for ((topic, group), consumed) in groups() {
                if let Some(value) = read(consumed).get() {
                    family.encode_family(&labels(topic, group))?.encode_gauge(&value)?;
                }
            }
        }
        let (name, help) = ("consumer_processing", "Events from their arrival to what became of them");
        let mut family =
            encoder.encode_descriptor(name, help, Some(&Unit::Seconds), MetricType::Histogram)?;
        for ((topic, group), consumed) in groups() {
            let (sum_s, buckets) = consumed.took.read();
            let count: u64 = buckets.iter().map(|(_, count)| count).sum();
            // A series begins with its first event: most groups are another service's.
            if count > 0 {
                let labels = labels(topic, group);
                let mut series = family.encode_family(&labels)?;
                series.encode_histogram::<NoLabelSet>(sum_s, count, &buckets, None)?;
            }
        }
        Ok(())
    }
}

/// Which of the numbers that are known of a group.
type Reading = fn(&Consumed) -> &Known;

fn count(tally: &Tally, topic: &str, n: u64) {
    if let Some(place) = TOPICS.iter().position(|known| *known == topic) {
        tally.add(place, n);
    }
}

#[cfg(test)]
mod tests {
    use domain::event::layout;

    use super::*;

    #[test]
    fn every_topic_and_every_group_has_its_place() {
        let topics: Vec<_> = layout().into_iter().map(|layout| layout.topic).collect();
        assert_eq!(topics, TOPICS);
        let groups: Vec<_> = layout()
            .into_iter()
            .flat_map(|layout| layout.groups.into_iter().map(move |group| (layout.topic.clone(), group)))
            .collect();
        let known: Vec<_> =
            EVENT_GROUPS.iter().map(|(topic, group)| ((*topic).to_owned(), (*group).to_owned())).collect();
        assert_eq!(groups, known);
    }

    #[test]
    fn each_reason_has_its_own_place() {
        assert!(Why::ALL.iter().enumerate().all(|(place, why)| *why as usize == place));
    }
}
