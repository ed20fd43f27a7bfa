//! The invariants by name, and what broke them.

use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{bounds_exceeded, double_charged, duplicate_notified, ghost_charged, lost, stuck};
use crate::facts::Facts;

/// How many orders of a violation are named.
pub const NAMED_MAX: usize = 10;

/// What must hold on every run, the worst to break first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Invariant {
    /// No lost order.
    Lost,
    /// No double charge.
    DoubleCharged,
    /// No ghost charge.
    GhostCharged,
    /// No stuck order.
    Stuck,
    /// One notice.
    DuplicateNotified,
    /// Bounds hold.
    BoundsExceeded,
}

impl Invariant {
    /// All of them.
    pub const ALL: [Self; 6] = [
        Self::Lost,
        Self::DoubleCharged,
        Self::GhostCharged,
        Self::Stuck,
        Self::DuplicateNotified,
        Self::BoundsExceeded,
    ];

    /// What its violations are called in a table.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::Lost => "lost",
            Self::DoubleCharged => "charged twice",
            Self::GhostCharged => "ghost charges",
            Self::Stuck => "stuck",
            Self::DuplicateNotified => "told twice",
            Self::BoundsExceeded => "bounds exceeded",
        }
    }
}

impl fmt::Display for Invariant {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.title())
    }
}

/// An invariant that does not hold.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Violation {
    /// Which one.
    pub invariant: Invariant,
    /// How many orders (for bounds: gauges) break it.
    pub count: u64,
    /// The first of them by name, ten at most. A gauge is named with how high it went.
    pub named: Vec<String>,
}

/// For people: `stuck: 12 (o-1, o-17, …)`.
impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let more = if self.count > self.named.len() as u64 { ", …" } else { "" };
        write!(f, "{}: {} ({}{more})", self.invariant, self.count, self.named.join(", "))
    }
}

/// Every invariant that the facts break, the worst first.
#[must_use]
pub fn violations(facts: &Facts) -> Vec<Violation> {
    let orders = |found: Vec<&str>| found.into_iter().map(str::to_owned).collect();
    let broken = |invariant| {
        let found: Vec<String> = match invariant {
            Invariant::Lost => orders(lost(facts)),
            Invariant::DoubleCharged => orders(double_charged(facts)),
            Invariant::GhostCharged => orders(ghost_charged(facts)),
            Invariant::Stuck => orders(stuck(facts)),
            Invariant::DuplicateNotified => orders(duplicate_notified(facts)),
            Invariant::BoundsExceeded => {
                bounds_exceeded(facts).into_iter().map(|exceeded| exceeded.to_string()).collect()
            }
        };
        let count = found.len() as u64;
        let named = found.into_iter().take(NAMED_MAX).collect();
        (count > 0).then_some(Violation { invariant, count, named })
    };
    Invariant::ALL.into_iter().filter_map(broken).collect()
}
