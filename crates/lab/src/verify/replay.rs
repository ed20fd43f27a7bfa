//! Running something again to look at it: a schedule of a campaign, or a cell of an experiment.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use evidence::{
    campaign::ScheduleRecord,
    facts::{Answer, Facts},
    ledger::{self, Violation, violations},
    record::Cell,
    timeline::Moment,
};

use platform::ServiceState;

use super::{Subject, timeline, unbroken};
use crate::{
    collector::Testimony,
    experiment::{Experiment, UsageError},
    runner::{self, LabError, RunOptions},
    world::sim::{self, CellPlan, Disks, Wiring},
};

/// How many spans each service keeps, the last ones.
const SPANS_MAX: usize = 1_000_000;
/// How many orders are proposed to look at.
const INTERESTING_MAX: usize = 15;

/// What part of a schedule is run again.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Part {
    /// Only these faults, by number.
    pub only: Option<BTreeSet<u32>>,
    /// Not these.
    pub without: BTreeSet<u32>,
    /// One order-processor, and nothing of what happens to the others.
    pub alone: bool,
    /// A load that ends earlier.
    pub duration: Option<Duration>,
}

/// A run that can be looked at.
#[derive(Debug)]
pub struct Replay {
    /// What was run: `v0.1.0 under schedule 7`.
    pub title: String,
    /// The load, and the faults if they are a campaign's.
    pub schedule: ScheduleRecord,
    /// The numbers.
    pub cell: Cell,
    /// What was broken.
    pub violations: Vec<Violation>,
    facts: Facts,
    testimony: Testimony,
    plan: CellPlan,
}

/// An order worth looking at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interesting {
    /// Its id.
    pub order: String,
    /// Why.
    pub why: String,
}

/// Runs a schedule of a campaign again.
///
/// # Errors
/// When there is no such design or fault, when the load cannot last so long, or when the run breaks.
pub fn schedule(design: &str, seed: u64, part: &Part) -> Result<Replay, LabError> {
    let subject = Subject::new(design)?;
    let mut schedule = subject.schedule(seed);
    let all = schedule.numbers();
    let named = part.only.iter().flatten().chain(&part.without);
    if let Some(unknown) = named.clone().find(|number| !all.contains(number)) {
        let known = all.iter().map(u32::to_string).collect();
        return Err(UsageError::UnknownFault { name: unknown.to_string(), known }.into());
    }
    let wanted = part.only.as_ref().unwrap_or(&all);
    schedule = schedule.only(&wanted.difference(&part.without).copied().collect());
    if part.alone {
        schedule = schedule.alone();
    }
    if let Some(duration) = part.duration {
        schedule = schedule.lasting(duration).map_err(UsageError::from)?;
    }
    let plan = schedule.plan(subject.design());
    let testimony =
        unbroken(&subject, &schedule, || sim::testify(&plan, &Wiring { disks: Disks::Redb, ..watched() }))?;
    let title = format!("{} under schedule {seed}", plan.design.name);
    Ok(Replay::new(title, schedule.record(), plan, testimony))
}

/// Runs the one cell of an experiment again that the options leave.
///
/// # Errors
/// When they ask for something that does not exist, leave none or more than one cell, or when the run breaks.
pub fn cell(experiment: &Experiment, options: &RunOptions) -> Result<Replay, LabError> {
    let plan = runner::the_cell(experiment, options)?;
    let (title, testimony) = runner::testify(experiment, &plan)?;
    let schedule = ScheduleRecord {
        load: super::in_words(&plan.load.load),
        order_processors: plan.design.scale.order_processor.get(),
        faults: Vec::new(),
    };
    Ok(Replay::new(title, schedule, plan, testimony))
}

/// A world whose services write down what they do for each order.
pub(crate) fn watched() -> Wiring {
    let state = |kind| {
        let state = ServiceState::new(kind);
        state.record_spans(SPANS_MAX);
        state
    };
    Wiring { state: Arc::new(state), ..Wiring::default() }
}

impl Replay {
    fn new(title: String, schedule: ScheduleRecord, plan: CellPlan, testimony: Testimony) -> Self {
        let facts = sim::judged(&plan, testimony.clone());
        let cell = sim::cell(&plan, &facts);
        Self { title, schedule, cell, violations: violations(&facts), facts, testimony, plan }
    }

    /// What was done to the platform, in time.
    #[must_use]
    pub fn faults(&self) -> Vec<Moment> {
        timeline::faults(&self.plan.fault)
    }

    /// What happened to an order, in time, with the faults up to its last moment; `None` when nobody knows it.
    #[must_use]
    pub fn timeline(&self, order: &str) -> Option<Vec<Moment>> {
        timeline::of(order, &self.testimony, &self.facts.spans, &self.plan.fault)
    }

    /// Orders worth looking at: those that break an invariant first, then those whose client was left without a
    /// proper answer.
    #[must_use]
    pub fn interesting(&self) -> Vec<Interesting> {
        let facts = &self.facts;
        let broken = [
            (ledger::lost(facts), "lost"),
            (ledger::double_charged(facts), "charged twice"),
            (ledger::ghost_charged(facts), "a ghost charge"),
            (ledger::stuck(facts), "stuck"),
            (ledger::duplicate_notified(facts), "told twice"),
        ];
        let broken = broken.into_iter().flat_map(|(orders, why)| {
            orders.into_iter().map(move |order| (order.to_owned(), why.to_owned()))
        });
        let odd = facts.asked.iter().filter_map(|asked| {
            let why = match asked.answer {
                Answer::TimedOut => "its client gave up waiting".to_owned(),
                Answer::Reset => "its connection was reset".to_owned(),
                Answer::Broken => "its answer was broken".to_owned(),
                Answer::ConnectFailed => "its client found nobody to ask".to_owned(),
                Answer::Status(status @ 500..) if status != 503 => format!("it was answered {status}"),
                Answer::Status(_) | Answer::NotSent => return None,
            };
            Some((asked.order.clone(), why))
        });
        let slowest = facts
            .asked
            .iter()
            .filter(|asked| matches!(asked.answer, Answer::Status(200..=299)))
            .max_by_key(|asked| asked.done_us - asked.intended_us)
            .map(|asked| (asked.order.clone(), "the slowest success".to_owned()));
        let mut known = BTreeSet::new();
        let all = broken.chain(odd).chain(slowest).filter(|(order, _)| known.insert(order.clone()));
        all.take(INTERESTING_MAX).map(|(order, why)| Interesting { order, why }).collect()
    }
}
