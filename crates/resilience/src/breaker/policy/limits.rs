//! What a breaker judges by.

use std::num::NonZeroU32;
use std::time::Duration;

use thiserror::Error;

use super::window::Record;
use crate::ratio::Ratio;

/// The longest count window: one byte is kept per call.
const CALLS_MAX: u32 = 100_000;

/// Which calls are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Window {
    /// The last so many. It remembers for ever when nothing happens.
    Calls(NonZeroU32),
    /// Those of so long. It remembers up to a tenth longer.
    Time(Duration),
}

/// When slowness alone opens the breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlowLimit {
    /// A call that took longer is slow, however it ended.
    pub longer_than: Duration,
    /// Opens when at least this share of the calls is slow.
    pub ratio: Ratio,
}

/// What a breaker judges by. The defaults suit a dependency that is called ten times a second or more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerLimits {
    /// Which calls are looked at. Default: those of 10 s.
    pub window: Window,
    /// Nothing is judged by fewer calls. Default: 20.
    pub calls_min: NonZeroU32,
    /// Opens when at least this share of the calls failed. Default: 50 %.
    pub failure_ratio: Ratio,
    /// Opens also when too many are slow. Default: no.
    pub slow: Option<SlowLimit>,
    /// How long it stays open the first time. Default: 1 s.
    pub open: Duration,
    /// The open time doubles each time in a row, up to this. Default: 30 s.
    pub open_max: Duration,
    /// How many probes decide, and how many there are at once. Default: 5.
    pub probes: NonZeroU32,
    /// Probes that hang for so long, with no place for another, count as failed. Default: 30 s.
    pub probe_max: Duration,
}

impl Default for BreakerLimits {
    fn default() -> Self {
        const fn count(n: u32) -> NonZeroU32 {
            NonZeroU32::new(n).expect("not zero")
        }
        Self {
            window: Window::Time(Duration::from_secs(10)),
            calls_min: count(20),
            failure_ratio: Ratio::percent(50),
            slow: None,
            open: Duration::from_secs(1),
            open_max: Duration::from_secs(30),
            probes: count(5),
            probe_max: Duration::from_secs(30),
        }
    }
}

/// Limits that contradict themselves.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum InvalidBreaker {
    /// A share of zero is reached by nothing at all.
    #[error("a threshold of 0 % would never let the breaker close")]
    ThresholdZero,
    /// The minimum would never be reached.
    #[error("a window of the last {window} calls never holds the minimum of {calls_min}")]
    WindowTooShort {
        /// Calls in the window.
        window: u32,
        /// Calls that it takes to judge.
        calls_min: u32,
    },
    /// One byte is kept per call.
    #[error("a window holds at most {CALLS_MAX} calls, not {window}")]
    WindowTooLong {
        /// Calls in the window.
        window: u32,
    },
    /// A time that has to last does not.
    #[error("{what} must be longer than nothing")]
    TimeZero {
        /// Which time.
        what: &'static str,
    },
    /// The first time would be longer than the longest.
    #[error("the open time {open:?} is longer than its maximum {open_max:?}")]
    OpenAboveMax {
        /// The first time.
        open: Duration,
        /// The longest.
        open_max: Duration,
    },
}

impl BreakerLimits {
    /// Whether the limits make sense together.
    ///
    /// # Errors
    /// What is wrong with them.
    pub fn validate(&self) -> Result<(), InvalidBreaker> {
        if self.failure_ratio == Ratio::ZERO || self.slow.is_some_and(|slow| slow.ratio == Ratio::ZERO) {
            return Err(InvalidBreaker::ThresholdZero);
        }
        match self.window {
            Window::Calls(n) if n > CALLS_MAX.try_into().expect("not zero") => {
                return Err(InvalidBreaker::WindowTooLong { window: n.get() });
            }
            Window::Calls(n) if n < self.calls_min => {
                let calls_min = self.calls_min.get();
                return Err(InvalidBreaker::WindowTooShort { window: n.get(), calls_min });
            }
            Window::Time(Duration::ZERO) => return Err(InvalidBreaker::TimeZero { what: "the window" }),
            Window::Calls(_) | Window::Time(_) => {}
        }
        for (what, time) in [("the open time", self.open), ("the time of a probe", self.probe_max)] {
            if time.is_zero() {
                return Err(InvalidBreaker::TimeZero { what });
            }
        }
        if self.open > self.open_max {
            return Err(InvalidBreaker::OpenAboveMax { open: self.open, open_max: self.open_max });
        }
        Ok(())
    }

    /// How long it stays open after it has opened so many times in a row already.
    pub(super) fn open_for(&self, before: u32) -> Duration {
        let factor = 1_u32.checked_shl(before).unwrap_or(u32::MAX);
        self.open.saturating_mul(factor).min(self.open_max)
    }

    /// Whether too many failed, or too many were slow.
    pub(super) const fn is_reached(&self, seen: Record) -> bool {
        let slow = match self.slow {
            Some(slow) => slow.ratio.is_reached(seen.slow, seen.calls),
            None => false,
        };
        slow || self.failure_ratio.is_reached(seen.failed, seen.calls)
    }
}
