//! `[timeouts]`: nobody waits for ever, and nothing is begun that nobody waits for.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PositiveDuration;

/// How long anybody waits. What remains of it crosses every hop as `x-request-timeout`, and work whose time
/// is over is not started.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(try_from = "TimeoutsSection", into = "TimeoutsSection")]
pub struct Timeouts {
    /// An order as a whole, from its arrival at order-api to its answer. A client may ask for less.
    pub request: PositiveDuration,
    /// One call to payment.
    pub attempt: PositiveDuration,
    /// What each hop takes off what remains, so that its own answer is still in time; 10 ms unless stated.
    pub reserve: PositiveDuration,
}

/// The `[timeouts]` section as people write it.
#[derive(Clone, Debug, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Timeouts")]
struct TimeoutsSection {
    /// An order as a whole, from its arrival at order-api to its answer.
    request: PositiveDuration,
    /// One call to payment; at most as long as `request`.
    attempt: PositiveDuration,
    /// What each hop takes off what remains, so that its own answer is still in time.
    #[serde(default = "reserve_default")]
    reserve: PositiveDuration,
}

const fn reserve_default() -> PositiveDuration {
    PositiveDuration::from_millis(10)
}

impl TryFrom<TimeoutsSection> for Timeouts {
    type Error = String;

    fn try_from(section: TimeoutsSection) -> Result<Self, String> {
        let TimeoutsSection { request, attempt, reserve } = section;
        if attempt > request {
            return Err(format!("an attempt may take {attempt}, but the whole request only {request}"));
        }
        if reserve >= attempt {
            return Err(format!("a reserve of {reserve} leaves nothing of an attempt's {attempt}"));
        }
        Ok(Self { request, attempt, reserve })
    }
}

impl From<Timeouts> for TimeoutsSection {
    fn from(timeouts: Timeouts) -> Self {
        let Timeouts { request, attempt, reserve } = timeouts;
        Self { request, attempt, reserve }
    }
}
