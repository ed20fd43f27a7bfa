//! Gauges over time: the maximum of each within every second, and at its end how far the groups of consumers are behind.

use std::{collections::BTreeMap, time::Duration};

use node::Node;
use platform::Telemetry;

use super::hosts::{Groups, Hosts};
use crate::serve::BROKER;

const SECOND: Duration = Duration::from_secs(1);

/// Reads every service's gauges, and the broker's, at the end of every second.
#[derive(Debug)]
pub(super) struct Sampler {
    services: Vec<(String, Telemetry)>,
    groups: Groups,
    seconds: usize,
    per_second: BTreeMap<String, BTreeMap<String, Vec<u64>>>,
}

impl Sampler {
    /// The first second begins now.
    pub(super) fn new(hosts: &Hosts) -> Self {
        let services: Vec<_> =
            hosts.states().map(|(name, state)| (name, state.telemetry().clone())).collect();
        for (_, telemetry) in &services {
            // What was measured before the load began belongs to no second.
            let _before = telemetry.take_window_maxima();
        }
        Self { services, groups: hosts.groups(), seconds: 0, per_second: BTreeMap::new() }
    }

    /// Samples at the end of every second, until dropped.
    pub(super) async fn run(&mut self, clock: &Node) {
        let start = clock.now();
        for second in 1_u32.. {
            clock.sleep((start + SECOND * second).saturating_duration_since(clock.now())).await;
            self.sample();
        }
    }

    /// What was sampled, with the second that had begun.
    pub(super) fn finish(mut self) -> BTreeMap<String, BTreeMap<String, Vec<u64>>> {
        self.sample();
        self.per_second
    }

    fn sample(&mut self) {
        for (service, telemetry) in &self.services {
            let series = self.per_second.entry(service.clone()).or_default();
            for (gauge, max) in telemetry.take_window_maxima() {
                series.entry(gauge.to_owned()).or_default().push(max);
            }
        }
        for (group, lag) in self.groups.gauges() {
            let series = self.per_second.entry(BROKER.to_owned()).or_default().entry(group).or_default();
            // A group that came later was not behind before.
            series.resize(self.seconds, 0);
            series.push(lag);
        }
        self.seconds += 1;
    }
}
