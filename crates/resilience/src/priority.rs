//! How important a call is, as its caller says.
//!
//! Four levels, after the criticality of Google's RPCs (Site Reliability Engineering, chapter 21): few
//! enough that people agree on what each one means, enough to have something to shed before it hurts.

use std::fmt;

/// How important a call is. Ordered: the greater is the more important, and shed later.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Priority {
    /// May fail at any time and is repeated later: batch work.
    Low,
    /// What is not marked otherwise.
    #[default]
    Normal,
    /// Somebody notices when it fails.
    High,
    /// Must get through while anything does.
    Critical,
}

impl Priority {
    /// All levels, the least important first.
    pub const ALL: [Self; 4] = [Self::Low, Self::Normal, Self::High, Self::Critical];

    /// A stable name, for configuration and metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Low => "low",
            Self::Normal => "normal",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

impl fmt::Display for Priority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}
