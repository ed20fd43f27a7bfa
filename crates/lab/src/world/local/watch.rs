//! What is seen of a cell from outside, at the end of every second: gauges and what the processes use.
//!
//! A second in which a service did not answer, because it is stopped, gone or overwhelmed, has no gauges and counts
//! as 0; so does one that was missed because the machine was busy.

use std::{cell::Cell, collections::BTreeMap, time::Duration};

use evidence::facts::ProcessUse;
use futures_util::future::join_all;
use node::{Node, ProcessUsage};

use super::{
    admin::Gauges,
    driver::DRIVER,
    host::Host,
    hosts::Hosts,
    quiet::{Quiet, Seen, still},
};
use crate::world::{sim::CellPlan, work::Work};

const SECOND: Duration = Duration::from_secs(1);

/// Gauges by service and name, second by second.
pub(super) type PerSecond = BTreeMap<String, BTreeMap<String, Vec<u64>>>;

/// Looks at the processes of a cell.
#[derive(Debug)]
pub(super) struct Watch {
    driver: Option<u32>,
    work: Work,
    quiet: Quiet,
    per_second: PerSecond,
    maxima: Gauges,
    processes: BTreeMap<String, ProcessUse>,
    /// What each process had used when it was last looked at, and which process that was.
    last: BTreeMap<String, (u32, Duration)>,
}

impl Watch {
    /// The first second begins now: what was before belongs to none.
    pub(super) async fn begin(hosts: &Hosts, driver: Option<u32>, plan: &CellPlan) -> Self {
        let mut watch = Self {
            driver,
            work: Work::of(&plan.design),
            quiet: Quiet::new(plan.rest, still(&plan.design)),
            per_second: PerSecond::new(),
            maxima: Gauges::new(),
            processes: BTreeMap::new(),
            last: BTreeMap::new(),
        };
        for (name, usage) in usages(hosts, driver) {
            watch.processes.insert(name.clone(), ProcessUse::default());
            if let Some((id, usage)) = usage {
                watch.last.insert(name, (id, usage.cpu));
            }
        }
        for host in hosts.iter() {
            // One that does not answer yet will be asked again.
            let _before = host.admin.gauges().await;
        }
        watch
    }

    /// Looks at the end of every second, until the load and the fault are over and nothing moves, at the latest so long
    /// after the start of the load.
    pub(super) async fn until_rest(
        &mut self,
        hosts: &Hosts,
        clock: &Node,
        load_start: Duration,
        latest: Duration,
        is_over: &Cell<bool>,
    ) {
        let mut second = 0;
        loop {
            let end = load_start + SECOND * (second + 1);
            clock.sleep(end.saturating_sub(clock.elapsed())).await;
            let was_over = is_over.get();
            let seen = self.look(hosts, second as usize).await;
            let now = clock.elapsed();
            let is_quiet = self.quiet.observe(SECOND, now, seen);
            let passed = now.saturating_sub(load_start);
            if (was_over && is_quiet) || passed >= latest {
                return;
            }
            second = u32::try_from(passed.as_secs()).unwrap_or(u32::MAX).max(second + 1);
        }
    }

    /// The highest value of each gauge that was seen.
    pub(super) const fn maxima(&self) -> &Gauges {
        &self.maxima
    }

    /// What was seen.
    pub(super) fn finish(self) -> (PerSecond, BTreeMap<String, ProcessUse>) {
        (self.per_second, self.processes)
    }

    async fn look(&mut self, hosts: &Hosts, second: usize) -> Seen {
        for (name, usage) in usages(hosts, self.driver) {
            self.used(&name, second, usage);
        }
        let ask = async |host: &Host| host.admin.gauges().await.unwrap_or_default();
        let answers = join_all(hosts.iter().filter(|host| host.is_up()).map(ask)).await;
        let mut seen = Seen::new();
        for (service, gauges) in answers.into_iter().flatten() {
            for (gauge, value) in gauges {
                put(
                    self.per_second.entry(service.clone()).or_default().entry(gauge.clone()).or_default(),
                    second,
                    value,
                );
                let max = self.maxima.entry(service.clone()).or_default().entry(gauge.clone()).or_default();
                *max = value.max(*max);
                if self.work.is(&gauge, value) {
                    seen.insert((service.clone(), gauge), value);
                }
            }
        }
        seen
    }

    fn used(&mut self, name: &str, second: usize, usage: Option<(u32, ProcessUsage)>) {
        let process = self.processes.entry(name.to_owned()).or_default();
        let (mut cpu, mut resident_bytes, mut descriptors) = (Duration::ZERO, 0, 0);
        if let Some((id, usage)) = usage {
            // A fresh instance began at nothing.
            let before =
                self.last.get(name).filter(|(last, _)| *last == id).map_or(Duration::ZERO, |(_, cpu)| *cpu);
            cpu = usage.cpu.saturating_sub(before);
            (resident_bytes, descriptors) = (usage.resident_bytes, usage.descriptors);
            self.last.insert(name.to_owned(), (id, usage.cpu));
        }
        put(&mut process.cpu_us, second, u64::try_from(cpu.as_micros()).unwrap_or(u64::MAX));
        put(&mut process.resident_bytes, second, resident_bytes);
        put(&mut process.descriptors, second, descriptors);
    }
}

/// What every process of the cell uses.
fn usages(hosts: &Hosts, driver: Option<u32>) -> Vec<(String, Option<(u32, ProcessUsage)>)> {
    let services = hosts.iter().map(|host| (host.name().to_owned(), host.usage()));
    let driver = driver.and_then(|id| Some((id, ProcessUsage::of(id)?)));
    services.chain([(DRIVER.to_owned(), driver)]).collect()
}

/// Seconds that were missed count as 0.
fn put(series: &mut Vec<u64>, second: usize, value: u64) {
    series.resize(series.len().max(second + 1), 0);
    series[second] = value;
}
