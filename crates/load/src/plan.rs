//! Loads: how often orders are asked for, as people write it.
//!
//! Open loops say when orders come, whatever the answers; the closed loop of [`Load::Users`] waits for them.

mod fields;

use std::num::NonZeroU32;
use std::time::Duration;

use evidence::record::{LoadRecord, LoadStep};
use node::Rng;
use rand::RngExt;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::arrivals::{ARRIVALS_MAX, expected};
use crate::quantity::{LoadError, Offset, Rate, SPAN_MAX, Span};

/// The most users of a closed loop: each is a task, and may have an order under way.
pub const USERS_MAX: u32 = 65_536;

/// The most steps of a load.
pub const STEPS_MAX: usize = 1_000;

/// How often orders are asked for.
#[derive(Clone, Debug, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Load {
    /// The same rate throughout.
    Constant {
        /// Orders per second.
        rate_per_s: Rate,
        /// How long.
        duration: Span,
        /// How the orders are spaced.
        #[serde(default)]
        spacing: Spacing,
    },
    /// Rising or falling linearly.
    Ramp {
        /// Orders per second at the start.
        from_per_s: Rate,
        /// Orders per second at the end.
        to_per_s: Rate,
        /// How long.
        duration: Span,
        /// How the orders are spaced.
        #[serde(default)]
        spacing: Spacing,
    },
    /// A base rate with one plateau of another rate.
    Burst {
        /// Orders per second outside the burst.
        base_per_s: Rate,
        /// Orders per second within it.
        peak_per_s: Rate,
        /// When the burst begins, from the start of the load.
        burst_start: Offset,
        /// How long the burst is; it ends with the load at the latest.
        burst_duration: Span,
        /// How long the load is.
        duration: Span,
        /// How the orders are spaced.
        #[serde(default)]
        spacing: Spacing,
    },
    /// One constant rate after the other.
    Steps {
        /// The rates, in order; at least one, at most [`STEPS_MAX`].
        steps: Vec<RateStep>,
        /// How the orders are spaced.
        #[serde(default)]
        spacing: Spacing,
    },
    /// A closed loop: each user waits for the answer, thinks, and orders again.
    Users {
        /// How many, at most [`USERS_MAX`].
        users: NonZeroU32,
        /// How many of them join per second.
        spawn_per_s: Rate,
        /// How long a user thinks between an answer and the next order: evenly distributed.
        think: Think,
        /// How long users keep ordering.
        duration: Span,
    },
}

/// One rate of a load in steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RateStep {
    /// Orders per second.
    pub rate_per_s: Rate,
    /// How long.
    pub duration: Span,
}

/// How long a user thinks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Think {
    /// At least.
    pub min: Offset,
    /// At most.
    pub max: Offset,
}

impl Think {
    /// How long this time.
    pub(crate) fn draw(self, rng: &mut Rng) -> Duration {
        let Self { min, max } = self;
        let share: f64 = rng.random();
        min.get() + (max.get() - min.get()).mul_f64(share)
    }
}

/// How orders are spaced at a given rate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Spacing {
    /// One after the other at the same distance.
    Even,
    /// Independently of each other, as customers come: the default.
    #[default]
    Poisson,
}

impl Spacing {
    /// The name in files and records.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Even => "even",
            Self::Poisson => "poisson",
        }
    }
}

impl Load {
    /// The same rate throughout.
    ///
    /// # Errors
    /// When it would be more than [`ARRIVALS_MAX`] orders.
    pub fn constant(rate_per_s: Rate, duration: Span, spacing: Spacing) -> Result<Self, LoadError> {
        Self::Constant { rate_per_s, duration, spacing }.checked()
    }

    /// A load whose fields fit together.
    ///
    /// # Errors
    /// When it would be more than [`ARRIVALS_MAX`] orders, a burst is not over when the load is, there are no
    /// steps or they last too long, there are too many users, or a user thinks longer than at most.
    pub fn checked(self) -> Result<Self, LoadError> {
        match &self {
            Self::Burst { burst_start, burst_duration, duration, .. } => {
                let burst_end = burst_start.get() + burst_duration.get();
                if burst_end > duration.get() {
                    return Err(LoadError::BurstBeyondLoad { burst_end, duration: duration.get() });
                }
            }
            Self::Steps { steps, .. } => {
                if steps.is_empty() || steps.len() > STEPS_MAX {
                    return Err(LoadError::Steps { steps: steps.len() });
                }
                let total = total(steps);
                if total > SPAN_MAX {
                    return Err(LoadError::Span(total));
                }
            }
            Self::Users { users, think, .. } => {
                if users.get() > USERS_MAX {
                    return Err(LoadError::Users { users: users.get() });
                }
                if think.min > think.max {
                    return Err(LoadError::Think { min: think.min.get(), max: think.max.get() });
                }
            }
            Self::Constant { .. } | Self::Ramp { .. } => {}
        }
        let expected = expected(&self);
        if expected > ARRIVALS_MAX as f64 {
            return Err(LoadError::TooMany { expected: expected.round() as u64 });
        }
        Ok(self)
    }

    /// The same load for another time; steps keep their shares of it.
    ///
    /// # Errors
    /// As for [`Load::checked`].
    pub fn lasting(mut self, new: Span) -> Result<Self, LoadError> {
        let was = self.duration();
        match &mut self {
            Self::Constant { duration, .. }
            | Self::Ramp { duration, .. }
            | Self::Burst { duration, .. }
            | Self::Users { duration, .. } => *duration = new,
            Self::Steps { .. } if new == was => {}
            Self::Steps { steps, .. } => {
                let factor = new.get().as_secs_f64() / was.get().as_secs_f64();
                // Ends are scaled, not lengths: rounding to milliseconds must not add up.
                let (mut end, mut scaled_end) = (Duration::ZERO, Duration::ZERO);
                for step in steps {
                    end += step.duration.get();
                    let next = Duration::from_millis((end.as_secs_f64() * factor * 1e3).round() as u64);
                    step.duration = Span::new(next.saturating_sub(scaled_end))?;
                    scaled_end = next;
                }
            }
        }
        self.checked()
    }

    /// How long it lasts.
    #[must_use]
    pub fn duration(&self) -> Span {
        match self {
            Self::Constant { duration, .. }
            | Self::Ramp { duration, .. }
            | Self::Burst { duration, .. }
            | Self::Users { duration, .. } => *duration,
            Self::Steps { steps, .. } => {
                let total = total(steps).clamp(Duration::from_nanos(1), SPAN_MAX);
                Span::new(total).expect("it is between the bounds of a span")
            }
        }
    }

    /// How its orders are spaced; `None` in a closed loop, where answers space them.
    #[must_use]
    pub const fn spacing(&self) -> Option<Spacing> {
        match self {
            Self::Constant { spacing, .. }
            | Self::Ramp { spacing, .. }
            | Self::Burst { spacing, .. }
            | Self::Steps { spacing, .. } => Some(*spacing),
            Self::Users { .. } => None,
        }
    }

    /// The highest rate at which orders can be asked for, in orders per second; of a closed loop what its users
    /// would ask for if they were answered at once.
    #[must_use]
    pub fn peak_per_s(&self) -> f64 {
        match self {
            Self::Constant { rate_per_s, .. } => rate_per_s.per_s(),
            Self::Ramp { from_per_s, to_per_s, .. } => from_per_s.per_s().max(to_per_s.per_s()),
            Self::Burst { base_per_s, peak_per_s, .. } => base_per_s.per_s().max(peak_per_s.per_s()),
            Self::Steps { steps, .. } => steps.iter().map(|step| step.rate_per_s.per_s()).fold(0.0, f64::max),
            Self::Users { users, think, .. } => {
                // No exchange takes less than a millisecond.
                let between_s = f64::midpoint(think.min.get().as_secs_f64(), think.max.get().as_secs_f64());
                f64::from(users.get()) / between_s.max(1e-3)
            }
        }
    }

    /// The load as it stands in a run's record.
    #[must_use]
    pub fn record(&self) -> LoadRecord {
        let duration_s = self.duration().get().as_secs_f64();
        let spacing = self.spacing().unwrap_or_default().as_str().to_owned();
        match self {
            Self::Constant { rate_per_s, .. } => {
                LoadRecord::Constant { rate_per_s: rate_per_s.per_s(), duration_s, spacing }
            }
            Self::Ramp { from_per_s, to_per_s, .. } => LoadRecord::Ramp {
                from_per_s: from_per_s.per_s(),
                to_per_s: to_per_s.per_s(),
                duration_s,
                spacing,
            },
            Self::Burst { base_per_s, peak_per_s, burst_start, burst_duration, .. } => LoadRecord::Burst {
                base_per_s: base_per_s.per_s(),
                peak_per_s: peak_per_s.per_s(),
                burst_s: [burst_start.get(), burst_start.get() + burst_duration.get()]
                    .map(|at| at.as_secs_f64()),
                duration_s,
                spacing,
            },
            Self::Steps { steps, .. } => {
                let step = |step: &RateStep| LoadStep {
                    rate_per_s: step.rate_per_s.per_s(),
                    duration_s: step.duration.get().as_secs_f64(),
                };
                LoadRecord::Steps { steps: steps.iter().map(step).collect(), duration_s, spacing }
            }
            Self::Users { users, spawn_per_s, think, .. } => LoadRecord::Users {
                users: users.get(),
                spawn_per_s: spawn_per_s.per_s(),
                think_s: [think.min, think.max].map(|at| at.get().as_secs_f64()),
                duration_s,
                balance: None,
            },
        }
    }
}

fn total(steps: &[RateStep]) -> Duration {
    steps.iter().map(|step| step.duration.get()).fold(Duration::ZERO, Duration::saturating_add)
}

#[cfg(test)]
mod tests;
