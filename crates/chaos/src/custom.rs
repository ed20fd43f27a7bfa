//! Faults that an experiment writes itself.
//!
//! ```toml
//! [[fault]]
//! name = "slow-link"
//! at = "5s"
//! until = "10s"
//! kind = "latency"
//! a = "order-api"
//! b = "order-processor"
//! min = "80ms"
//! max = "120ms"
//! ```
//!
//! The file's shape is one flat table and not a tagged enum: serde buffers the content of a tagged
//! enum, and a buffered value has lost its line. Here an unknown key or an impossible value is an
//! error with its own line; a key that does not belong to the kind is one with the table's line.

mod raw;

use std::{fmt, time::Duration};

use serde::{Deserialize, Serialize};

use self::raw::{KindName, RawFault};
use crate::{Action, Direction, FaultPlan, PlanError, Shift, Step};

/// A fault as people write it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(try_from = "RawFault")]
pub struct FaultFile {
    /// What the experiment calls it.
    pub name: String,
    /// When it begins, from the start of the load.
    #[serde(with = "humantime_serde")]
    pub at: Duration,
    /// When it ends.
    #[serde(with = "humantime_serde")]
    pub until: Duration,
    /// What it does.
    #[serde(flatten)]
    pub kind: FaultKind,
}

/// What a written fault does from its beginning to its end.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum FaultKind {
    /// Payment is slower and fails more.
    Hardship {
        /// How many times slower, at least 1.
        slowdown: f64,
        /// The share of payments that fail, from 0 to 1; without it the payment's own.
        failure_rate: Option<f64>,
    },
    /// The host loses power and comes back.
    PowerOff {
        /// Which host.
        host: String,
    },
    /// The process dies and is started again.
    Kill {
        /// Which host.
        host: String,
    },
    /// Nothing gets through.
    Partition {
        /// One side.
        a: String,
        /// The other side.
        b: String,
        /// Which way; both unless said.
        direction: Direction,
    },
    /// What is sent is kept back, then delivered.
    Hold {
        /// One side.
        a: String,
        /// The other side.
        b: String,
    },
    /// The link is slow, each way.
    Latency {
        /// One side.
        a: String,
        /// The other side.
        b: String,
        /// At least.
        #[serde(with = "humantime_serde")]
        min: Duration,
        /// At most.
        #[serde(with = "humantime_serde")]
        max: Duration,
    },
    /// The host's wall clock jumps, and at the end jumps back by as much.
    ClockJump {
        /// Which host.
        host: String,
        /// How far, ahead or back.
        by: Shift,
    },
    /// Clients send some requests twice.
    Duplicates {
        /// The share of the requests, above 0 and at most 1.
        share: f64,
    },
    /// What is published on the embedded broker goes astray. Each share is of the events, from 0 to 1.
    Events {
        /// Published twice.
        duplicated: f64,
        /// Kept back for a while, so that others overtake them.
        reordered: f64,
        /// Followed by a message that nobody can read.
        poisoned: f64,
    },
}

impl FaultFile {
    /// The plan: one action that begins the disturbance at `at`, one that ends it at `until`.
    ///
    /// # Errors
    /// When it is nameless or would end before it starts.
    pub fn plan(&self) -> Result<FaultPlan, PlanError> {
        let (begin, end) = self.kind.actions();
        let steps = vec![Step { at: self.at, action: begin }, Step { at: self.until, action: end }];
        FaultPlan::new(&self.name, self.at, self.until, steps)
    }
}

impl FaultKind {
    /// The kind as it is written.
    #[must_use]
    pub const fn name(&self) -> &'static str {
        let kind = match self {
            Self::Hardship { .. } => KindName::Hardship,
            Self::PowerOff { .. } => KindName::PowerOff,
            Self::Kill { .. } => KindName::Kill,
            Self::Partition { .. } => KindName::Partition,
            Self::Hold { .. } => KindName::Hold,
            Self::Latency { .. } => KindName::Latency,
            Self::ClockJump { .. } => KindName::ClockJump,
            Self::Duplicates { .. } => KindName::Duplicates,
            Self::Events { .. } => KindName::Events,
        };
        kind.keys().0
    }

    fn actions(&self) -> (Action, Action) {
        match self.clone() {
            Self::Hardship { slowdown, failure_rate } => {
                (Action::Hardship { slowdown, failure_rate }, Action::EndHardship)
            }
            Self::PowerOff { host } => (Action::PowerOff { host: host.clone() }, Action::Restart { host }),
            Self::Kill { host } => (Action::Kill { host: host.clone() }, Action::Restart { host }),
            Self::Partition { a, b, direction } => {
                (Action::Partition { a: a.clone(), b: b.clone(), direction }, Action::Heal { a, b })
            }
            Self::Hold { a, b } => (Action::Hold { a: a.clone(), b: b.clone() }, Action::Release { a, b }),
            Self::Latency { a, b, min, max } => {
                (Action::Latency { a: a.clone(), b: b.clone(), min, max }, Action::EndLatency { a, b })
            }
            Self::ClockJump { host, by } => {
                (Action::ClockJump { host: host.clone(), by }, Action::ClockJump { host, by: by.reversed() })
            }
            Self::Duplicates { share } => (Action::Duplicates { share }, Action::EndDuplicates),
            Self::Events { duplicated, reordered, poisoned } => {
                (Action::Events { duplicated, reordered, poisoned }, Action::EndEvents)
            }
        }
    }
}

/// For people: what begins.
impl fmt::Display for FaultKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.actions().0.fmt(f)
    }
}

#[cfg(test)]
mod tests;
