//! The plan: which action happens when. Pure data that cannot be wrong once built.
//!
//! Invariants of a [`FaultPlan`]: its window, if it has one, starts before it ends; its steps are in
//! ascending order of time and none lies outside the window; a plan without a window has no steps.
//! All times count from the start of the load.

use std::{fmt, time::Duration};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::{FaultFile, Shift};

/// A named disturbance in time.
#[derive(Clone, Debug, PartialEq)]
pub struct FaultPlan {
    name: String,
    window: Option<(Duration, Duration)>,
    steps: Vec<Step>,
}

impl FaultPlan {
    /// The plan that disturbs nothing.
    #[must_use]
    pub fn undisturbed(name: &str) -> Self {
        Self { name: name.to_owned(), window: None, steps: Vec::new() }
    }

    /// A disturbance from `start` to `end`, made of `steps`.
    ///
    /// # Errors
    /// When the name is empty, the window does not start before it ends, there is no step, a step lies
    /// outside the window, or the steps are not in ascending order of time.
    pub fn new(name: &str, start: Duration, end: Duration, steps: Vec<Step>) -> Result<Self, PlanError> {
        if name.is_empty() {
            return Err(PlanError::Nameless);
        }
        if start >= end {
            return Err(PlanError::Window { start, end });
        }
        if steps.is_empty() {
            return Err(PlanError::Empty);
        }
        if let Some(step) = steps.iter().find(|step| step.at < start || step.at > end) {
            return Err(PlanError::Outside { at: step.at, start, end });
        }
        if !steps.is_sorted_by_key(|step| step.at) {
            return Err(PlanError::Unordered);
        }
        Ok(Self { name: name.to_owned(), window: Some((start, end)), steps })
    }

    /// Several disturbances in one plan: its window reaches from the first beginning to the last end. Without
    /// any it disturbs nothing. Where two disturb the same thing at once, the later step decides; after the
    /// last end all is as before. Steps at the same time happen in the order of the disturbances.
    ///
    /// # Errors
    /// When the name is empty, or one of them cannot be a plan by itself.
    pub fn of(name: &str, disturbances: &[FaultFile]) -> Result<Self, PlanError> {
        let plans = disturbances.iter().map(FaultFile::plan).collect::<Result<Vec<_>, _>>()?;
        let windows = || plans.iter().filter_map(Self::window);
        let bounds = windows().map(|(start, _)| start).min().zip(windows().map(|(_, end)| end).max());
        let Some((start, end)) = bounds else {
            return if name.is_empty() { Err(PlanError::Nameless) } else { Ok(Self::undisturbed(name)) };
        };
        let mut steps: Vec<_> = plans.into_iter().flat_map(|plan| plan.steps).collect();
        steps.sort_by_key(|step| step.at);
        Self::new(name, start, end, steps)
    }

    /// What the fault is called in designs, experiments and records.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Start and end of the disturbance; `None` when nothing is disturbed.
    #[must_use]
    pub const fn window(&self) -> Option<(Duration, Duration)> {
        self.window
    }

    /// The actions in the order in which they happen.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }
}

/// One action at one time.
#[derive(Clone, Debug, PartialEq)]
pub struct Step {
    /// When, from the start of the load.
    pub at: Duration,
    /// What.
    pub action: Action,
}

/// What is done to the platform. Hosts are named as services are.
#[derive(Clone, Debug, PartialEq)]
pub enum Action {
    /// The payment provider becomes slower and less reliable.
    Hardship {
        /// How many times longer a payment takes; 1 is undisturbed.
        slowdown: f64,
        /// The share of payments that fail meanwhile; `None` leaves the provider's own.
        failure_rate: Option<f64>,
    },
    /// The payment provider is itself again.
    EndHardship,
    /// The host loses power: nothing is sent, its peers wait.
    PowerOff {
        /// Which host.
        host: String,
    },
    /// The process dies: its kernel resets every connection.
    Kill {
        /// Which host.
        host: String,
    },
    /// A fresh instance of the service starts on what its store had committed.
    Restart {
        /// Which host.
        host: String,
    },
    /// Nothing gets through; what was sent is sent again later, as TCP does.
    Partition {
        /// One side.
        a: String,
        /// The other side.
        b: String,
        /// Which way is blocked.
        direction: Direction,
    },
    /// The partition between the two ends.
    Heal {
        /// One side.
        a: String,
        /// The other side.
        b: String,
    },
    /// What is sent is kept back, in order, until released.
    Hold {
        /// One side.
        a: String,
        /// The other side.
        b: String,
    },
    /// What was held is delivered.
    Release {
        /// One side.
        a: String,
        /// The other side.
        b: String,
    },
    /// The link between the two takes longer, each way.
    Latency {
        /// One side.
        a: String,
        /// The other side.
        b: String,
        /// At least.
        min: Duration,
        /// At most.
        max: Duration,
    },
    /// The link between the two is as fast as it was.
    EndLatency {
        /// One side.
        a: String,
        /// The other side.
        b: String,
    },
    /// The host's wall clock jumps. Nothing else on it does.
    ClockJump {
        /// Which host.
        host: String,
        /// How far, ahead or back.
        by: Shift,
    },
    /// Clients send a share of their requests twice: the same again, a short random time later.
    Duplicates {
        /// The share of the requests, from 0 to 1.
        share: f64,
    },
    /// Clients send each request once.
    EndDuplicates,
    /// What is published on the broker goes astray: each share is of the events, from 0 to 1.
    Events {
        /// Published twice.
        duplicated: f64,
        /// Kept back for a while, so that others overtake them.
        reordered: f64,
        /// Followed by a message that nobody can read.
        poisoned: f64,
    },
    /// Events are published as they come.
    EndEvents,
}

impl Action {
    /// The hosts that the action names, so that a world can refuse an unknown one before a run begins.
    #[must_use]
    pub fn hosts(&self) -> Vec<&str> {
        match self {
            Self::Hardship { .. }
            | Self::EndHardship
            | Self::Duplicates { .. }
            | Self::EndDuplicates
            | Self::Events { .. }
            | Self::EndEvents => Vec::new(),
            Self::PowerOff { host }
            | Self::Kill { host }
            | Self::Restart { host }
            | Self::ClockJump { host, .. } => vec![host],
            Self::Partition { a, b, .. }
            | Self::Heal { a, b }
            | Self::Hold { a, b }
            | Self::Release { a, b }
            | Self::Latency { a, b, .. }
            | Self::EndLatency { a, b } => vec![a, b],
        }
    }
}

impl fmt::Display for Action {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Hardship { slowdown, failure_rate } => {
                write!(f, "payment {slowdown} times slower")?;
                failure_rate.map_or(Ok(()), |rate| write!(f, ", {} % failures", rate * 100.0))
            }
            Self::EndHardship => f.write_str("payment as before"),
            Self::PowerOff { host } => write!(f, "power off {host}"),
            Self::Kill { host } => write!(f, "kill {host}"),
            Self::Restart { host } => write!(f, "restart {host}"),
            Self::Partition { a, b, direction } => write!(f, "partition {a} {direction} {b}"),
            Self::Heal { a, b } => write!(f, "heal {a} <-> {b}"),
            Self::Hold { a, b } => write!(f, "hold {a} <-> {b}"),
            Self::Release { a, b } => write!(f, "release {a} <-> {b}"),
            Self::Latency { a, b, min, max } => write!(f, "latency {a} <-> {b} {min:?} to {max:?}"),
            Self::EndLatency { a, b } => write!(f, "latency {a} <-> {b} as before"),
            Self::ClockJump { host, by } => write!(f, "clock of {host} jumps by {by}"),
            Self::Duplicates { share } => {
                write!(f, "clients send {} % of their requests twice", share * 100.0)
            }
            Self::EndDuplicates => f.write_str("clients send each request once"),
            Self::Events { duplicated, reordered, poisoned } => {
                let [duplicated, reordered, poisoned] =
                    [duplicated, reordered, poisoned].map(|share| share * 100.0);
                write!(
                    f,
                    "events: {duplicated} % twice, {reordered} % out of order, {poisoned} % with poison"
                )
            }
            Self::EndEvents => f.write_str("events as they come"),
        }
    }
}

/// Which way between two hosts is blocked.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Direction {
    /// Both ways.
    #[default]
    Both,
    /// Only what the first sends to the second.
    AToB,
    /// Only what the second sends to the first.
    BToA,
}

impl fmt::Display for Direction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Both => "<->",
            Self::AToB => "->",
            Self::BToA => "<-",
        })
    }
}

/// Why a plan cannot be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PlanError {
    /// A fault is known by its name.
    #[error("a fault needs a name")]
    Nameless,
    /// A disturbance takes time.
    #[error("the fault must start before it ends, not from {start:?} until {end:?}")]
    Window {
        /// The start given.
        start: Duration,
        /// The end given.
        end: Duration,
    },
    /// A window in which nothing happens is a fault that cannot move a number.
    #[error("the fault does nothing")]
    Empty,
    /// The window must tell the truth about when the platform is disturbed.
    #[error("a step at {at:?} lies outside the fault's window from {start:?} until {end:?}")]
    Outside {
        /// When the step is.
        at: Duration,
        /// Start of the window.
        start: Duration,
        /// End of the window.
        end: Duration,
    },
    /// Steps are walked once, in time.
    #[error("the steps are not in ascending order of time")]
    Unordered,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kill(at_s: u64) -> Step {
        Step { at: Duration::from_secs(at_s), action: Action::Kill { host: "a".to_owned() } }
    }

    fn plan(start_s: u64, end_s: u64, steps: Vec<Step>) -> Result<FaultPlan, PlanError> {
        FaultPlan::new("f", Duration::from_secs(start_s), Duration::from_secs(end_s), steps)
    }

    #[test]
    fn refuses_a_window_that_ends_before_it_starts() {
        let error = plan(10, 5, vec![kill(7)]).unwrap_err();
        assert_eq!(error.to_string(), "the fault must start before it ends, not from 10s until 5s");
        assert!(plan(5, 5, vec![kill(5)]).is_err());
    }

    #[test]
    fn refuses_steps_outside_the_window_or_out_of_order_or_none() {
        assert!(matches!(plan(5, 10, vec![kill(11)]), Err(PlanError::Outside { .. })));
        assert!(matches!(plan(5, 10, vec![kill(4)]), Err(PlanError::Outside { .. })));
        assert_eq!(plan(5, 10, vec![kill(8), kill(6)]), Err(PlanError::Unordered));
        assert_eq!(plan(5, 10, vec![]), Err(PlanError::Empty));
    }
}
