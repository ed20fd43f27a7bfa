//! A random schedule: which load, which faults, all from one seed.
//!
//! The schedule depends on the seed and on which hosts there are, so that designs of one topology meet the same hardship. It
//! is made to be run by the thousand: a load of a few seconds, faults that are over a few seconds later. Where a broker
//! shares the work out, the seed also says among how many processes, and each of them is a host like any other.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use chaos::{FaultFile, FaultPlan, random};
use evidence::campaign::{FaultRecord, ScheduleRecord};
use load::{Load, LoadError, Offset, Rate, Spacing, Span};
use node::{Rng, draw, named_rng};
use platform::{
    ServiceKind,
    design::{Design, Process, Replicas, Topology},
};

use crate::{
    experiment::NamedLoad,
    serve::BROKER,
    world::{CLIENTS, sim::CellPlan},
};

/// Loads last so long.
const LOAD_S: (f64, f64) = (1.0, 5.0);
/// Orders come at such a rate: from idle to more than twice what payment can do.
const RATE_PER_S: (f64, f64) = (5.0, 350.0);
/// Faults begin from here on, and are over so long after the end of the load.
const FAULTS_FROM: Duration = Duration::from_millis(50);
const FAULTS_AFTER: Duration = Duration::from_secs(3);
/// How long one fault lasts at most: longer than any timeout of a design.
const FAULT_MAX: Duration = Duration::from_secs(6);
const FAULTS_MAX: u32 = 6;
/// How long clients wait, in seconds.
const PATIENCE_S: [u64; 3] = [2, 5, 30];
/// How many order-processors share the work at most.
const ORDER_PROCESSORS_MAX: u32 = 3;

/// How long nothing may move before a run is at rest. Longer than TCP's pause between two retransmissions at
/// the end of the longest fault, so that what was under way has arrived and been dealt with.
const REST: Duration = Duration::from_secs(12);

/// A load under a schedule of faults.
#[derive(Clone, Debug, PartialEq)]
pub struct Schedule {
    /// The seed that it was drawn from, which is also the world's.
    pub seed: u64,
    /// The load.
    pub load: Load,
    /// How long clients wait for an answer.
    pub client_timeout: Duration,
    /// How many order-processors there are.
    pub order_processors: Replicas,
    /// The faults. Their names are their numbers, from 1 on.
    pub faults: Vec<FaultFile>,
}

impl Schedule {
    /// The schedule of a seed, for a design and all others with the same hosts.
    #[must_use]
    pub fn drawn(seed: u64, design: &Design) -> Self {
        let mut rng = named_rng(seed, "verify/load");
        let load = draw_load(&mut rng).expect("every drawn load is small");
        let place = draw::uniform(&mut rng, 0.0, PATIENCE_S.len() as f64) as usize;
        let client_timeout = Duration::from_secs(PATIENCE_S[place.min(PATIENCE_S.len() - 1)]);
        let order_processors = draw_order_processors(seed, design);
        let shape = shape(load.duration().get(), &sharing(design, order_processors));
        let faults = random::schedule(&mut named_rng(seed, "verify/faults"), &shape);
        Self { seed, load, client_timeout, order_processors, faults }
    }

    /// The numbers of its faults.
    #[must_use]
    pub fn numbers(&self) -> BTreeSet<u32> {
        self.faults.iter().map(number).collect()
    }

    /// The same with these faults only.
    #[must_use]
    pub fn only(mut self, numbers: &BTreeSet<u32>) -> Self {
        self.faults.retain(|fault| numbers.contains(&number(fault)));
        self
    }

    /// The same with one order-processor, and without what happens to the others.
    #[must_use]
    pub fn alone(mut self) -> Self {
        let others: Vec<_> = (2..=self.order_processors.get())
            .map(|replica| Process { kind: ServiceKind::OrderProcessor, replica }.name())
            .collect();
        self.faults.retain(|fault| !hosts(fault).iter().any(|host| others.contains(host)));
        self.order_processors = Replicas::default();
        self
    }

    /// The same with a load that ends earlier (or later).
    ///
    /// # Errors
    /// When the load cannot last so long.
    pub fn lasting(self, duration: Duration) -> Result<Self, LoadError> {
        Ok(Self { load: self.load.lasting(Span::new(duration)?)?, ..self })
    }

    /// The cell that it is under a design.
    pub(super) fn plan(&self, design: &Arc<Design>) -> CellPlan {
        let name = if self.faults.is_empty() { chaos::NONE } else { "random" };
        CellPlan {
            design: Arc::new(sharing(design, self.order_processors)),
            fault: FaultPlan::of(name, &self.faults).expect("drawn faults end after they begin"),
            load: NamedLoad {
                name: None,
                load: self.load.clone(),
                client_timeout: self.client_timeout,
                high_priority_share: None,
                balance: load::Balance::default(),
            },
            slo: evidence::SLO,
            seed: self.seed,
            rest: REST,
            responses: false,
        }
    }

    /// What a record and a reader see of it.
    #[must_use]
    pub fn record(&self) -> ScheduleRecord {
        let fault = |fault: &FaultFile| FaultRecord {
            number: number(fault),
            kind: fault.kind.name().to_owned(),
            at_s: fault.at.as_secs_f64(),
            until_s: fault.until.as_secs_f64(),
            what: fault.kind.to_string(),
        };
        let patience = humantime::format_duration(self.client_timeout);
        let load = format!("{}; clients wait {patience}", in_words(&self.load));
        let order_processors = self.order_processors.get();
        ScheduleRecord { load, order_processors, faults: self.faults.iter().map(fault).collect() }
    }
}

/// The design with so many order-processors.
fn sharing(design: &Design, order_processors: Replicas) -> Design {
    let mut design = design.clone();
    design.scale.order_processor = order_processors;
    design
}

/// What the design asks for, or what is drawn where it asks for one. Only of order-processor: what is shared by several
/// notification-services has to be in one place, and a simulated world has none (`docs/events.md`).
fn draw_order_processors(seed: u64, design: &Design) -> Replicas {
    let asked = design.scale.order_processor;
    if design.topology != Topology::Events || !asked.is_one() {
        return asked;
    }
    let most = f64::from(ORDER_PROCESSORS_MAX);
    let drawn = draw::uniform(&mut named_rng(seed, "verify/replicas"), 0.0, most) as u32 + 1;
    Replicas::new(drawn.min(ORDER_PROCESSORS_MAX)).expect("one at least, and few")
}

fn hosts(fault: &FaultFile) -> Vec<String> {
    let plan = fault.plan().expect("a drawn fault ends after it begins");
    plan.steps().iter().flat_map(|step| step.action.hosts()).map(str::to_owned).collect()
}

fn number(fault: &FaultFile) -> u32 {
    fault.name.parse().expect("a drawn fault is named by its number")
}

fn shape(load: Duration, design: &Design) -> random::Shape {
    let services = design.processes().into_iter().map(Process::name);
    let broker = (design.topology == Topology::Events).then(|| BROKER.to_owned());
    let hosts: Vec<_> = services.chain(broker).collect();
    let mut links = vec![(CLIENTS.to_owned(), hosts[0].clone())];
    for (at, a) in hosts.iter().enumerate() {
        links.extend(hosts[at + 1..].iter().map(|b| (a.clone(), b.clone())));
    }
    random::Shape {
        hosts,
        links,
        from: FAULTS_FROM,
        until: load + FAULTS_AFTER,
        lasting_max: FAULT_MAX,
        faults_max: FAULTS_MAX,
        events: design.topology == Topology::Events,
    }
}

fn draw_load(rng: &mut Rng) -> Result<Load, LoadError> {
    let duration = Span::new(tenths_of_a_second(draw::uniform(rng, LOAD_S.0, LOAD_S.1)))?;
    let spacing = if draw::chance(rng, 0.7) { Spacing::Poisson } else { Spacing::Even };
    let kind = draw::uniform(rng, 0.0, 1.0);
    let (one, other) = (draw_rate(rng)?, draw_rate(rng)?);
    let within = draw::uniform(rng, 0.0, 0.5);
    match kind {
        kind if kind < 0.6 => Load::constant(one, duration, spacing),
        kind if kind < 0.8 => Load::Ramp { from_per_s: one, to_per_s: other, duration, spacing }.checked(),
        _ => Load::Burst {
            base_per_s: one,
            peak_per_s: other,
            burst_start: Offset::new(tenths_of_a_second(duration.get().as_secs_f64() * within))?,
            burst_duration: Span::new(tenths_of_a_second(duration.get().as_secs_f64() * 0.4))?,
            duration,
            spacing,
        }
        .checked(),
    }
}

/// Low rates are more likely than high ones: there one order meets one fault, and runs are short.
fn draw_rate(rng: &mut Rng) -> Result<Rate, LoadError> {
    let share = draw::uniform(rng, 0.0, 1.0);
    Rate::new((RATE_PER_S.0 + (RATE_PER_S.1 - RATE_PER_S.0) * share * share * share).round())
}

/// At least one.
fn tenths_of_a_second(seconds: f64) -> Duration {
    Duration::from_millis(((seconds * 10.0) as u64).max(1) * 100)
}

/// A load for people.
pub(crate) fn in_words(load: &Load) -> String {
    let time = |duration: Duration| humantime::format_duration(duration);
    let duration = time(load.duration().get());
    let rate = match load {
        Load::Constant { rate_per_s, .. } => format!("{}/s", rate_per_s.per_s()),
        Load::Ramp { from_per_s, to_per_s, .. } => {
            format!("from {}/s to {}/s", from_per_s.per_s(), to_per_s.per_s())
        }
        Load::Burst { base_per_s, peak_per_s, burst_start, burst_duration, .. } => {
            let (start, end) = (burst_start.get(), burst_start.get() + burst_duration.get());
            let (base, peak) = (base_per_s.per_s(), peak_per_s.per_s());
            format!("{base}/s, from {} to {} {peak}/s", time(start), time(end))
        }
        Load::Steps { steps, .. } => {
            let rates: Vec<_> = steps.iter().map(|step| step.rate_per_s.per_s().to_string()).collect();
            format!("{}/s in steps", rates.join(", "))
        }
        Load::Users { users, .. } => format!("{users} users"),
    };
    let spacing = match load.spacing() {
        Some(Spacing::Even) => ", evenly spaced",
        Some(Spacing::Poisson) => ", at random times",
        None => "",
    };
    format!("{rate} for {duration}{spacing}")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn design(name: &str) -> Design {
        crate::designs::resolve(name).expect("a design").design
    }

    fn drawn(seed: u64, name: &str) -> Schedule {
        Schedule::drawn(seed, &design(name))
    }

    #[test]
    fn a_seed_is_a_schedule_and_its_parts_can_be_left_out() {
        for seed in 0..500 {
            let schedule = drawn(seed, "v1.0.0");
            assert_eq!(schedule, drawn(seed, "v0.1.0"), "designs with the same hosts meet the same");
            let last = schedule.faults.len() as u32;
            assert_eq!(schedule.numbers(), (1..=last).collect());
            let part = schedule.clone().only(&[last].into());
            assert_eq!(
                (part.faults.len(), part.faults[0].clone()),
                (1, schedule.faults[last as usize - 1].clone())
            );
            assert!(schedule.only(&BTreeSet::new()).faults.is_empty());
        }
        assert_ne!(drawn(1, "v1.0.0").faults, drawn(2, "v1.0.0").faults);
    }

    #[test]
    fn a_broker_shares_the_work_among_one_to_three_whose_hosts_break_too() {
        let others = ["order-processor-2".to_owned(), "order-processor-3".to_owned()];
        // As people read it.
        let is_of_others =
            |fault: &FaultFile| others.iter().any(|other| fault.kind.to_string().contains(other));
        let mut several = [0; 4];
        let mut of_others = 0;
        for seed in 0..300 {
            let schedule = drawn(seed, "events-composed");
            assert_eq!(schedule, drawn(seed, "events-naive"));
            several[schedule.order_processors.get() as usize] += 1;
            let found = schedule.faults.iter().filter(|fault| is_of_others(fault)).count();
            assert!(found == 0 || schedule.order_processors.get() > 1, "{schedule:?}");
            of_others += found;
            let alone = schedule.clone().alone();
            assert_eq!(alone.order_processors, Replicas::default());
            assert_eq!(
                alone.faults.len() + found,
                schedule.faults.len(),
                "only theirs are gone: {schedule:?}"
            );
            assert!(drawn(seed, "v1.0.0").order_processors.is_one(), "in a chain nobody shares anything out");
        }
        assert!(several[0] == 0 && several[1..].iter().all(|&schedules| schedules > 60), "{several:?}");
        assert!(of_others > 100, "{of_others}");

        let mut five = design("events-composed");
        five.scale.order_processor = Replicas::new(5).expect("few");
        assert_eq!(Schedule::drawn(1, &five).order_processors.get(), 5, "what a design asks for is kept");
    }

    #[test]
    fn a_schedule_reads_as_words() {
        let record = drawn(7, "v1.0.0").record();
        assert!(record.load.contains("; clients wait "), "{}", record.load);
        assert!(record.faults.iter().all(|fault| fault.at_s < fault.until_s && !fault.what.is_empty()));
    }
}
