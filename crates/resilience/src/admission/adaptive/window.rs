//! Single calls in, one sample per window out.

use std::time::Duration;

/// How long samples are gathered before the limit moves.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Window {
    /// At least so long. Default: 1 s.
    pub length: Duration,
    /// And at least so many samples: a window with fewer goes on. Default: 10.
    pub samples_min: u32,
}

impl Default for Window {
    fn default() -> Self {
        Self { length: Duration::from_secs(1), samples_min: 10 }
    }
}

/// What an algorithm learns from one window.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Sample {
    /// The mean time of the calls that were accepted; `None` when none was.
    pub rtt: Option<Duration>,
    /// The most calls in flight that a call of this window found when it came, itself included.
    pub in_flight_max: usize,
    /// Whether any call was overloaded.
    pub dropped: bool,
}

/// What was gathered since the last sample. Bounded: sums only.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Gathering {
    /// When its first call ended.
    since: Option<Duration>,
    accepted: u32,
    accepted_time: Duration,
    dropped: u32,
    in_flight_max: usize,
}

impl Gathering {
    /// Adds a call that ended at `now`: its time when it was accepted, `None` when it was overloaded.
    pub(super) fn add(
        &mut self,
        window: &Window,
        now: Duration,
        rtt: Option<Duration>,
        in_flight: usize,
    ) -> Option<Sample> {
        let since = *self.since.get_or_insert(now);
        match rtt {
            Some(rtt) => {
                self.accepted = self.accepted.saturating_add(1);
                self.accepted_time = self.accepted_time.saturating_add(rtt);
            }
            None => self.dropped = self.dropped.saturating_add(1),
        }
        self.in_flight_max = self.in_flight_max.max(in_flight);
        let samples = self.accepted.saturating_add(self.dropped);
        if now.saturating_sub(since) < window.length || samples < window.samples_min {
            return None;
        }
        let sample = Sample {
            rtt: (self.accepted > 0).then(|| self.accepted_time / self.accepted),
            in_flight_max: self.in_flight_max,
            dropped: self.dropped > 0,
        };
        // The next window begins where this one ended, so that windows have no gaps between them.
        *self = Self { since: Some(now), ..Self::default() };
        Some(sample)
    }
}
