//! Campaigns: random schedules of faults under random loads against a design, and every invariant checked.
//!
//! A seed is a schedule ([`Schedule`]); it is run in a simulated world of its own, and what all sides testify
//! is held against the ledger's invariants. Whatever breaks one is found again by its seed, and made smaller
//! (`minimise`). The same seeds give the same [`Campaign`], byte for byte, on however many cores: runs share
//! nothing, results stand in the order of the seeds, and which findings are made smaller does not depend on
//! which was found first.

mod minimise;
#[cfg(test)]
mod planted;
pub mod replay;
mod schedule;
mod timeline;

use std::{
    num::NonZeroUsize,
    ops::RangeInclusive,
    panic::{AssertUnwindSafe, catch_unwind},
    sync::Arc,
    thread,
};

use evidence::{
    campaign::{CAMPAIGN_SCHEMA, Campaign, Coverage, DesignCampaign, Finding, Minimised},
    facts::Facts,
    ledger::{Invariant, Violation, violations},
};
use platform::design::Design;

pub use schedule::Schedule;
pub(crate) use schedule::in_words;

use crate::{
    designs,
    experiment::{UsageError, replay::word},
    runner::{LabError, Progress, panic_message, pool},
    world::sim::{self, Wiring},
};

/// How many findings of a design are made smaller: the first by seed. The others are the same ones, as a rule.
pub const MINIMISED_MAX: usize = 5;

/// How many runs happen at once without regard to memory: one takes a few MiB.
const MEMORY_NEED: u64 = 1;

/// What a campaign is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifyOptions {
    /// Designs, by name or path.
    pub designs: Vec<String>,
    /// Each seed is a schedule.
    pub seeds: RangeInclusive<u64>,
    /// How many runs happen at once. Changes no result.
    pub threads: NonZeroUsize,
}

impl VerifyOptions {
    /// As many runs at once as there are cores.
    #[must_use]
    pub fn new(designs: Vec<String>, seeds: RangeInclusive<u64>) -> Self {
        Self { designs, seeds, threads: thread::available_parallelism().unwrap_or(NonZeroUsize::MIN) }
    }

    /// Whether it can be run. Runs nothing.
    ///
    /// # Errors
    /// When a design is unknown, wrong or there twice, or when there is nothing to run.
    pub fn check(&self) -> Result<(), UsageError> {
        if self.seeds.is_empty() {
            return Err(UsageError::Nothing { what: "seed" });
        }
        subjects(&self.designs).map(drop)
    }
}

/// Runs every schedule against every design.
///
/// # Errors
/// When a design is unknown, wrong or there twice, when there is nothing to run, or when a run breaks (a defect
/// of the platform or of the laboratory, never a finding).
pub fn verify(options: &VerifyOptions, progress: &dyn Progress) -> Result<Campaign, LabError> {
    campaign(options, &Wiring::on_disks, progress)
}

/// A design under test.
#[derive(Debug)]
pub(crate) struct Subject {
    /// How the command line names it.
    argument: String,
    design: Arc<Design>,
}

impl Subject {
    pub(crate) fn new(argument: &str) -> Result<Self, UsageError> {
        let resolved = designs::resolve(argument)?;
        Ok(Self { argument: argument.to_owned(), design: Arc::new(resolved.design) })
    }

    fn schedule(&self, seed: u64) -> Schedule {
        Schedule::drawn(seed, &self.design)
    }

    pub(crate) const fn design(&self) -> &Arc<Design> {
        &self.design
    }
}

/// What is kept of one run.
struct Run {
    violations: Vec<Violation>,
    coverage: Coverage,
    digest: u64,
}

fn campaign(
    options: &VerifyOptions,
    wiring: &(dyn Fn() -> Wiring + Sync),
    progress: &dyn Progress,
) -> Result<Campaign, LabError> {
    let subjects = subjects(&options.designs)?;
    let seeds: Vec<u64> = options.seeds.clone().collect();
    let (Some(&first), Some(&last)) = (seeds.first(), seeds.last()) else {
        return Err(UsageError::Nothing { what: "seed" }.into());
    };
    let total = subjects.len() * seeds.len();
    progress.started(total);
    let mut runs = pool::run(&vec![MEMORY_NEED; total], options.threads, u64::MAX, |index| {
        let (subject, seed) = (&subjects[index / seeds.len()], seeds[index % seeds.len()]);
        let schedule = subject.schedule(seed);
        let run = keep(run(subject, &schedule, wiring)?, &schedule);
        progress.cell_done(&format!("{} seed {seed}", subject.design.name));
        Ok::<_, LabError>(run)
    })?
    .into_iter();

    let mut designs: Vec<_> = subjects
        .iter()
        .map(|subject| sum_up(subject, seeds.iter().copied().zip(runs.by_ref().take(seeds.len()))))
        .collect();
    let smaller: Vec<(usize, usize)> = designs
        .iter()
        .enumerate()
        .flat_map(|(at, design)| {
            (0..design.findings.len().min(MINIMISED_MAX)).map(move |finding| (at, finding))
        })
        .collect();
    progress.started(total + smaller.len());
    let minimised = pool::run(&vec![MEMORY_NEED; smaller.len()], options.threads, u64::MAX, |index| {
        let (at, finding) = smaller[index];
        let finding = &designs[at].findings[finding];
        let made = make_smaller(&subjects[at], finding, wiring)?;
        progress.cell_done(&format!("making {} seed {} smaller", designs[at].design, finding.seed));
        Ok::<_, LabError>(made)
    })?;
    for ((at, finding), made) in smaller.into_iter().zip(minimised) {
        designs[at].findings[finding].minimised = Some(made);
    }
    Ok(Campaign { schema: CAMPAIGN_SCHEMA, world: "sim".to_owned(), seeds: [first, last], designs })
}

fn subjects(names: &[String]) -> Result<Vec<Subject>, UsageError> {
    let mut subjects: Vec<Subject> = Vec::new();
    for name in names {
        let subject = Subject::new(name)?;
        if subjects.iter().any(|other| other.design.name == subject.design.name) {
            return Err(UsageError::Twice { what: "design", name: subject.design.name.clone() });
        }
        subjects.push(subject);
    }
    if subjects.is_empty() { Err(UsageError::Nothing { what: "design" }) } else { Ok(subjects) }
}

/// One run.
fn run(
    subject: &Subject,
    schedule: &Schedule,
    wiring: &(dyn Fn() -> Wiring + Sync),
) -> Result<Facts, LabError> {
    let plan = schedule.plan(&subject.design);
    unbroken(subject, schedule, || Ok(sim::judged(&plan, sim::testify(&plan, &wiring())?)))
}

/// What comes of a run, or the command that breaks again.
fn unbroken<T>(
    subject: &Subject,
    schedule: &Schedule,
    run: impl FnOnce() -> Result<T, sim::CellError>,
) -> Result<T, LabError> {
    let broke = |reason: String| LabError::Cell {
        cell: format!("{} under schedule {}", subject.design.name, schedule.seed),
        reason,
        replay: command(subject, schedule),
    };
    // Nothing that a broken run leaves half-done is seen by anyone: its world is gone with it.
    match catch_unwind(AssertUnwindSafe(run)) {
        Ok(Ok(made)) => Ok(made),
        Ok(Err(error)) => Err(broke(crate::toml_file::chain(&error))),
        Err(panic) => Err(broke(format!("it panicked: {}", panic_message(&*panic)))),
    }
}

fn keep(facts: Facts, schedule: &Schedule) -> Run {
    let mut coverage = Coverage::default();
    coverage.add(&facts);
    schedule.faults.iter().for_each(|fault| coverage.add_fault(fault.kind.name()));
    coverage.shared = u64::from(!schedule.order_processors.is_one());
    let seen = serde_json::to_vec(&facts).expect("facts have text keys only");
    Run { violations: violations(&facts), coverage, digest: fnv(FNV_OFFSET, &seen) }
}

fn sum_up(subject: &Subject, runs: impl Iterator<Item = (u64, Run)>) -> DesignCampaign {
    let mut campaign = DesignCampaign {
        design: subject.design.name.clone(),
        schedules: 0,
        broken: Invariant::ALL.into_iter().map(|invariant| (invariant, 0)).collect(),
        coverage: Coverage::default(),
        digest: String::new(),
        findings: Vec::new(),
    };
    let mut digest = FNV_OFFSET;
    for (seed, Run { violations, coverage, digest: of_run }) in runs {
        campaign.schedules += 1;
        campaign.coverage.merge(&coverage);
        digest = fnv(digest, &of_run.to_le_bytes());
        for violation in &violations {
            *campaign.broken.entry(violation.invariant).or_default() += 1;
        }
        if !violations.is_empty() {
            let schedule = subject.schedule(seed);
            campaign.findings.push(Finding {
                seed,
                violations,
                replay: command(subject, &schedule),
                schedule: schedule.record(),
                minimised: None,
            });
        }
    }
    campaign.digest = format!("{digest:016x}");
    campaign
}

fn make_smaller(
    subject: &Subject,
    finding: &Finding,
    wiring: &(dyn Fn() -> Wiring + Sync),
) -> Result<Minimised, LabError> {
    let invariant = finding.violations.first().expect("a finding is a violation").invariant;
    let named = |found: &[Violation]| {
        let of_it = found.iter().find(|violation| violation.invariant == invariant)?;
        Some(of_it.named.first().cloned().unwrap_or_default())
    };
    let mut named_last = named(&finding.violations).expect("it is one of them");
    let (schedule, runs) = minimise::minimise(&subject.schedule(finding.seed), |candidate| {
        let still = named(&violations(&run(subject, candidate, wiring)?));
        let persists = still.is_some();
        named_last = still.unwrap_or(std::mem::take(&mut named_last));
        Ok::<_, LabError>(persists)
    })?;
    let mut replay = command(subject, &schedule);
    if invariant != Invariant::BoundsExceeded {
        replay.push_str(&format!(" --timeline {}", word(&named_last)));
    }
    Ok(Minimised { invariant, schedule: schedule.record(), runs, replay })
}

/// The command that runs a schedule of this seed again, whole or in part.
fn command(subject: &Subject, schedule: &Schedule) -> String {
    let Schedule { seed, load, .. } = schedule;
    let mut command =
        format!("cargo run --release -- replay --design {} --seed {seed}", word(&subject.argument));
    let whole = subject.schedule(*seed);
    if whole.faults != schedule.faults {
        let numbers: Vec<_> = schedule.numbers().iter().map(u32::to_string).collect();
        let numbers = if numbers.is_empty() { chaos::NONE.to_owned() } else { numbers.join(",") };
        command.push_str(&format!(" --only {numbers}"));
    }
    if whole.order_processors != schedule.order_processors {
        command.push_str(" --alone");
    }
    if whole.load != *load {
        let duration = humantime::format_duration(load.duration().get()).to_string();
        command.push_str(&format!(" --duration {}", duration.replace(' ', "")));
    }
    command
}

const FNV_OFFSET: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a, 64 bits: short, specified, and the same everywhere.
fn fnv(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests;
