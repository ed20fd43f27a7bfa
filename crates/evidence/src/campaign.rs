//! What a campaign leaves (`verify.json`): many random schedules, and which of them broke an invariant.
//!
//! Names are stable: add, never rename. Nothing in it depends on the machine or on how long it took, so that
//! the same seeds give the same bytes.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::{Answer, Facts, StoredState};
use crate::ledger::{Invariant, Violation};
use crate::outcomes::Tally;

/// The version of this format.
pub const CAMPAIGN_SCHEMA: u32 = 1;

/// Random schedules of faults against designs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Campaign {
    /// [`CAMPAIGN_SCHEMA`].
    pub schema: u32,
    /// `sim`.
    pub world: String,
    /// The first and the last seed. Each stands for one schedule, the same for every design.
    pub seeds: [u64; 2],
    /// One entry per design, in the order in which they were asked for.
    pub designs: Vec<DesignCampaign>,
}

impl Campaign {
    /// Whether any invariant was broken.
    #[must_use]
    pub fn found_something(&self) -> bool {
        self.designs.iter().any(|design| !design.findings.is_empty())
    }

    /// The campaign as indented JSON with a newline at the end. The same campaign gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("a campaign has text keys only");
        text.push('\n');
        text
    }
}

/// One design under all schedules.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct DesignCampaign {
    /// The design's name.
    pub design: String,
    /// How many schedules were run.
    pub schedules: u64,
    /// In how many of them each invariant was broken.
    pub broken: BTreeMap<Invariant, u64>,
    /// What happened in all of them together: without it, finding nothing says nothing.
    pub coverage: Coverage,
    /// A hash over everything that all sides saw in all runs: equal digests are equal runs.
    pub digest: String,
    /// Every schedule that broke an invariant, by seed.
    pub findings: Vec<Finding>,
}

/// A schedule that broke an invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Finding {
    /// The schedule's seed.
    pub seed: u64,
    /// What was broken.
    pub violations: Vec<Violation>,
    /// The whole schedule.
    pub schedule: ScheduleRecord,
    /// The command that runs it again.
    pub replay: String,
    /// The smallest schedule found that still breaks the first of the invariants; null when nobody looked for it.
    pub minimised: Option<Minimised>,
}

/// A schedule of faults with its load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ScheduleRecord {
    /// The load in words.
    pub load: String,
    /// How many order-processors share the work.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    pub order_processors: u32,
    /// The faults, by number.
    pub faults: Vec<FaultRecord>,
}

const fn one() -> u32 {
    1
}

const fn is_one(count: &u32) -> bool {
    *count == 1
}

/// One fault of a schedule.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct FaultRecord {
    /// Its number in the schedule as it was drawn.
    pub number: u32,
    /// Its kind, as in an experiment file.
    pub kind: String,
    /// When it begins, in seconds from the start of the load.
    pub at_s: f64,
    /// When it ends.
    pub until_s: f64,
    /// What it does.
    pub what: String,
}

/// The smallest schedule found that still breaks the same invariant.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Minimised {
    /// Which invariant.
    pub invariant: Invariant,
    /// What is left of the schedule.
    pub schedule: ScheduleRecord,
    /// How many runs it took to find.
    pub runs: u64,
    /// The command that runs it again, with the timeline of an order that breaks the invariant.
    pub replay: String,
}

/// What happened in all runs together.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// How many faults of each kind were injected.
    pub faults: BTreeMap<String, u64>,
    /// Schedules in which several order-processors shared the work.
    #[serde(default)]
    pub shared: u64,
    /// Orders that clients asked for.
    pub orders: u64,
    /// Requests that they sent twice.
    pub duplicates: u64,
    /// Orders answered with success.
    pub succeeded: u64,
    /// Orders answered with a decline.
    pub declined: u64,
    /// Orders refused.
    pub rejected: u64,
    /// Orders whose answer was an error.
    pub failed: u64,
    /// Orders that were not answered in time.
    pub timed_out: u64,
    /// Clients that were never told how it ended: no connection, a broken one, or their patience was over.
    pub untold: u64,
    /// Calls to payment.
    pub payment_calls: u64,
    /// Charges that succeeded.
    pub charges: u64,
    /// Charges that were given back.
    pub refunds: u64,
    /// Orders by the state in which they ended.
    pub orders_by_state: BTreeMap<String, u64>,
    /// Orders that ended completed although their client was not answered with success: found out and settled.
    pub completed_untold: u64,
}

impl Coverage {
    /// Adds one run.
    pub fn add(&mut self, facts: &Facts) {
        let tally = Tally::of(&facts.asked);
        self.orders += facts.asked.len() as u64;
        self.duplicates += facts.repeated.len() as u64;
        self.succeeded += tally.succeeded;
        self.declined += tally.declined;
        self.rejected += tally.rejected;
        self.failed += tally.failed;
        self.timed_out += tally.timed_out;
        self.untold += facts.asked.iter().filter(|asked| is_untold(asked.answer)).count() as u64;
        self.payment_calls += facts.payment_calls.values().sum::<u64>();
        self.charges += facts.charged.len() as u64;
        self.refunds += facts.charged.iter().filter(|charge| charge.refunded).count() as u64;
        for stored in &facts.stored {
            *self.orders_by_state.entry(state_name(stored.state).to_owned()).or_default() += 1;
        }
        let succeeded: std::collections::BTreeSet<_> = facts
            .asked
            .iter()
            .filter(|asked| matches!(asked.answer, Answer::Status(200..=299)))
            .map(|asked| asked.order.as_str())
            .collect();
        let untold = facts.stored.iter().filter(|stored| {
            stored.state == StoredState::Completed && !succeeded.contains(stored.order.as_str())
        });
        self.completed_untold += untold.count() as u64;
    }

    /// Adds what happened in other runs.
    pub fn merge(&mut self, other: &Self) {
        for (kind, count) in &other.faults {
            *self.faults.entry(kind.clone()).or_default() += count;
        }
        for (state, count) in &other.orders_by_state {
            *self.orders_by_state.entry(state.clone()).or_default() += count;
        }
        self.shared += other.shared;
        self.orders += other.orders;
        self.duplicates += other.duplicates;
        self.succeeded += other.succeeded;
        self.declined += other.declined;
        self.rejected += other.rejected;
        self.failed += other.failed;
        self.timed_out += other.timed_out;
        self.untold += other.untold;
        self.payment_calls += other.payment_calls;
        self.charges += other.charges;
        self.refunds += other.refunds;
        self.completed_untold += other.completed_untold;
    }

    /// Adds a fault that was injected.
    pub fn add_fault(&mut self, kind: &str) {
        *self.faults.entry(kind.to_owned()).or_default() += 1;
    }
}

const fn is_untold(answer: Answer) -> bool {
    !matches!(answer, Answer::Status(_) | Answer::NotSent)
}

const fn state_name(state: StoredState) -> &'static str {
    match state {
        StoredState::Placed => "placed",
        StoredState::Paying => "paying",
        StoredState::Completed => "completed",
        StoredState::Declined => "declined",
        StoredState::Failed => "failed",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Asked, Charged, Stored};

    #[test]
    fn coverage_counts_what_happened_on_every_side() {
        let asked = |order: &str, answer| Asked {
            order: order.to_owned(),
            intended_us: 0,
            sent_us: Some(0),
            done_us: 1,
            answer,
        };
        let facts = Facts {
            asked: vec![
                asked("a", Answer::Status(200)),
                asked("b", Answer::Reset),
                asked("c", Answer::Status(429)),
            ],
            repeated: vec![asked("a", Answer::Status(409))],
            stored: ["a", "b"]
                .map(|order| Stored { order: order.to_owned(), state: StoredState::Completed })
                .into(),
            charged: vec![Charged { order: "a".to_owned(), at_us: 1, refunded: true }],
            payment_calls: [("a".to_owned(), 3)].into(),
            ..Facts::default()
        };
        let mut coverage = Coverage::default();
        coverage.add(&facts);
        coverage.add(&facts);
        coverage.add_fault("kill");
        let mut twice = Coverage::default();
        twice.merge(&coverage);
        assert_eq!(twice, coverage);
        let expected = Coverage {
            faults: [("kill".to_owned(), 1)].into(),
            orders: 6,
            duplicates: 2,
            succeeded: 2,
            rejected: 2,
            failed: 2,
            untold: 2,
            payment_calls: 6,
            charges: 2,
            refunds: 2,
            orders_by_state: [("completed".to_owned(), 4)].into(),
            completed_untold: 2,
            ..Coverage::default()
        };
        assert_eq!(coverage, expected);
    }
}
