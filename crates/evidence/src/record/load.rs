//! What was asked of the platform, as the record keeps it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What was asked of the platform.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum LoadRecord {
    /// The same rate throughout.
    Constant {
        /// Orders per second.
        rate_per_s: f64,
        /// Seconds.
        duration_s: f64,
        /// `even` or `poisson`.
        spacing: String,
    },
    /// Rising or falling linearly.
    Ramp {
        /// Orders per second at the start.
        from_per_s: f64,
        /// Orders per second at the end.
        to_per_s: f64,
        /// Seconds.
        duration_s: f64,
        /// `even` or `poisson`.
        spacing: String,
    },
    /// A base rate with one higher plateau.
    Burst {
        /// Orders per second outside the burst.
        base_per_s: f64,
        /// Orders per second within it.
        peak_per_s: f64,
        /// Start and end of the burst in seconds.
        burst_s: [f64; 2],
        /// Seconds.
        duration_s: f64,
        /// `even` or `poisson`.
        spacing: String,
    },
    /// One constant rate after the other.
    Steps {
        /// The rates, in order.
        steps: Vec<LoadStep>,
        /// Seconds, of all steps together.
        duration_s: f64,
        /// `even` or `poisson`.
        spacing: String,
    },
    /// A closed loop: each user waits for the answer, thinks, and orders again.
    Users {
        /// Users.
        users: u32,
        /// Users who join per second.
        spawn_per_s: f64,
        /// The least and the longest time between an answer and the next order, in seconds.
        think_s: [f64; 2],
        /// Seconds.
        duration_s: f64,
        /// How they choose among replicas: `round-robin` or `least-outstanding`; at random unless it stands there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        balance: Option<String>,
    },
}

/// One rate of a load in steps.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct LoadStep {
    /// Orders per second.
    pub rate_per_s: f64,
    /// Seconds.
    pub duration_s: f64,
}

impl LoadRecord {
    /// Seconds that the load lasts.
    #[must_use]
    pub const fn duration_s(&self) -> f64 {
        match self {
            Self::Constant { duration_s, .. }
            | Self::Ramp { duration_s, .. }
            | Self::Burst { duration_s, .. }
            | Self::Steps { duration_s, .. }
            | Self::Users { duration_s, .. } => *duration_s,
        }
    }
}
