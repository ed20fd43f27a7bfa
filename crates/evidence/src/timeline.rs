//! What happened to one order, moment by moment.

use serde::{Deserialize, Serialize};

/// Something that happened, as one side knows it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Moment {
    /// When, in µs from the start of the load; negative before it.
    pub at_us: i64,
    /// Where: `client`, a service, or `fault` for what was done to the platform meanwhile.
    pub place: String,
    /// What.
    pub what: String,
}

/// The place of what was done to the platform.
pub const FAULT: &str = "fault";
