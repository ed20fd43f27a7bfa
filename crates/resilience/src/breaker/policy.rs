//! The breaker as a pure state machine: time and outcomes in, passes and refusals out.
//!
//! Whoever is let through holds a [`Pass`] and hands it back with what became of the call, or as
//! [`Breaker::cancel`]led. `now` is the time since some fixed origin.

mod limits;
mod window;

use std::time::Duration;

pub use limits::{BreakerLimits, InvalidBreaker, SlowLimit, Window};
use window::{Calls, Record};

use crate::refusal::{Reason, Refusal};

/// The states of a breaker.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum BreakerState {
    /// Lets through and counts.
    Closed,
    /// Refuses.
    Open,
    /// Lets a few through to find out.
    HalfOpen,
    /// Refuses until told otherwise.
    ForcedOpen,
    /// Lets through until told otherwise, and counts nothing.
    ForcedClosed,
}

impl BreakerState {
    /// All states.
    pub const ALL: [Self; 5] =
        [Self::Closed, Self::Open, Self::HalfOpen, Self::ForcedOpen, Self::ForcedClosed];

    /// A stable name, for metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Open => "open",
            Self::HalfOpen => "half-open",
            Self::ForcedOpen => "forced-open",
            Self::ForcedClosed => "forced-closed",
        }
    }
}

/// From one state to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Transition {
    /// The state that ended.
    pub from: BreakerState,
    /// The state that began.
    pub to: BreakerState,
}

/// What a breaker says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BreakerReading {
    /// The state.
    pub state: BreakerState,
    /// What is left of the open time; zero in every other state.
    pub open_remaining: Duration,
    /// Calls that were judged, in the window or among the probes.
    pub calls: u64,
    /// How many of them failed.
    pub failed: u64,
    /// How many of them were slow.
    pub slow: u64,
    /// Probes that have not ended yet.
    pub probes_in_flight: u32,
    /// How many times in a row it has opened without closing in between.
    pub opened_in_a_row: u32,
}

/// The right to call. Not `Clone`: it is handed back once.
#[derive(Debug, PartialEq, Eq)]
pub struct Pass {
    epoch: u64,
    began: Duration,
}

#[derive(Clone, Debug)]
enum State {
    Closed { calls: Calls },
    Open { until: Duration },
    HalfOpen { in_flight: u32, judged: Record, youngest: Duration },
    ForcedOpen,
    ForcedClosed,
}

/// The state machine. See the module for how it is used.
#[derive(Clone, Debug)]
pub struct Breaker {
    limits: BreakerLimits,
    state: State,
    /// Counts the states so far, so that a pass knows whether its own is still on.
    epoch: u64,
    opened_in_a_row: u32,
}

impl Breaker {
    /// A closed breaker.
    ///
    /// # Errors
    /// When the limits contradict themselves.
    pub fn new(limits: BreakerLimits) -> Result<Self, InvalidBreaker> {
        limits.validate()?;
        let state = State::Closed { calls: Calls::new(limits.window) };
        Ok(Self { limits, state, epoch: 0, opened_in_a_row: 0 })
    }

    /// Whether a call may go through now.
    ///
    /// # Errors
    /// A refusal with the time that the breaker stays open; while half-open with a guess.
    pub fn admit(&mut self, now: Duration) -> Result<Pass, Refusal> {
        self.wake_up(now);
        let refuse = |retry_after| Err(Refusal { reason: Reason::BreakerOpen, retry_after });
        match &mut self.state {
            State::Closed { .. } | State::ForcedClosed => {}
            State::Open { until } => return refuse(until.saturating_sub(now)),
            State::ForcedOpen => return refuse(self.limits.open_max),
            State::HalfOpen { in_flight, judged, youngest } => {
                let taken = u64::from(*in_flight) + judged.calls;
                if taken >= u64::from(self.limits.probes.get()) {
                    let hanging = (*youngest + self.limits.probe_max).saturating_sub(now);
                    return refuse(hanging.min(self.limits.open));
                }
                *in_flight += 1;
                *youngest = now;
            }
        }
        Ok(Pass { epoch: self.epoch, began: now })
    }

    /// A call has ended. Returns how long it took, if it counted.
    pub fn finish(&mut self, now: Duration, pass: &Pass, failed: bool) -> Option<Duration> {
        if pass.epoch != self.epoch {
            return None;
        }
        let took = now.saturating_sub(pass.began);
        let slow = self.limits.slow.is_some_and(|slow| took > slow.longer_than);
        let record = Record::of(failed, slow);
        match &mut self.state {
            State::Closed { calls } => {
                calls.add(now, record);
                let seen = calls.sum(now);
                if seen.calls >= u64::from(self.limits.calls_min.get()) && self.limits.is_reached(seen) {
                    self.open(now);
                }
            }
            State::HalfOpen { in_flight, judged, .. } => {
                *in_flight -= 1;
                *judged = judged.plus(record);
                let judged = *judged;
                self.judge_probes(now, judged);
            }
            State::Open { .. } | State::ForcedOpen | State::ForcedClosed => return None,
        }
        Some(took)
    }

    /// A call has ended in a way that says nothing about the dependency: its place goes back.
    pub const fn cancel(&mut self, pass: &Pass) {
        if let State::HalfOpen { in_flight, .. } = &mut self.state
            && pass.epoch == self.epoch
        {
            *in_flight -= 1;
        }
    }

    /// Refuses everything until [`Breaker::resume`].
    pub fn force_open(&mut self) {
        self.change(State::ForcedOpen);
    }

    /// Lets everything through until [`Breaker::resume`].
    pub fn force_closed(&mut self) {
        self.change(State::ForcedClosed);
    }

    /// Decides by itself again, beginning as closed. Does nothing unless it was forced.
    pub fn resume(&mut self) {
        if matches!(self.state, State::ForcedOpen | State::ForcedClosed) {
            self.close();
        }
    }

    /// Other limits from now on. A state that is on stays on, with the time that it was given; another
    /// window begins empty.
    ///
    /// # Errors
    /// When the limits contradict themselves; then the old ones stay.
    pub fn set_limits(&mut self, limits: BreakerLimits) -> Result<(), InvalidBreaker> {
        limits.validate()?;
        if let State::Closed { calls } = &mut self.state
            && limits.window != self.limits.window
        {
            *calls = Calls::new(limits.window);
        }
        self.limits = limits;
        Ok(())
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> &BreakerLimits {
        &self.limits
    }

    /// The state.
    #[must_use]
    pub const fn state(&self) -> BreakerState {
        match self.state {
            State::Closed { .. } => BreakerState::Closed,
            State::Open { .. } => BreakerState::Open,
            State::HalfOpen { .. } => BreakerState::HalfOpen,
            State::ForcedOpen => BreakerState::ForcedOpen,
            State::ForcedClosed => BreakerState::ForcedClosed,
        }
    }

    /// The state and what led to it.
    #[must_use]
    pub fn read(&mut self, now: Duration) -> BreakerReading {
        let (seen, open_remaining, probes_in_flight) = match &mut self.state {
            State::Closed { calls } => (calls.sum(now), Duration::ZERO, 0),
            State::Open { until } => (Record::default(), until.saturating_sub(now), 0),
            State::HalfOpen { in_flight, judged, .. } => (*judged, Duration::ZERO, *in_flight),
            State::ForcedOpen | State::ForcedClosed => (Record::default(), Duration::ZERO, 0),
        };
        BreakerReading {
            state: self.state(),
            open_remaining,
            calls: seen.calls,
            failed: seen.failed,
            slow: seen.slow,
            probes_in_flight,
            opened_in_a_row: self.opened_in_a_row,
        }
    }

    /// What time alone brings about: an open breaker begins to probe, and probes that hang have failed.
    fn wake_up(&mut self, now: Duration) {
        match self.state {
            State::Open { until } if now >= until => {
                self.change(State::HalfOpen { in_flight: 0, judged: Record::default(), youngest: now });
            }
            State::HalfOpen { in_flight, judged, youngest }
                if u64::from(in_flight) + judged.calls >= u64::from(self.limits.probes.get())
                    && now.saturating_sub(youngest) >= self.limits.probe_max =>
            {
                self.open(now);
            }
            _ => {}
        }
    }

    /// The verdict falls as soon as the probes that are still missing cannot change it.
    fn judge_probes(&mut self, now: Duration, judged: Record) {
        // More than that many only when the limit was lowered meanwhile.
        let probes = u64::from(self.limits.probes.get()).max(judged.calls);
        let missing = probes - judged.calls;
        let at_best = Record { calls: probes, ..judged };
        let at_worst = Record { failed: judged.failed + missing, slow: judged.slow + missing, ..at_best };
        if self.limits.is_reached(at_best) {
            self.open(now);
        } else if !self.limits.is_reached(at_worst) {
            self.close();
        }
    }

    fn open(&mut self, now: Duration) {
        let open = self.limits.open_for(self.opened_in_a_row);
        self.opened_in_a_row = self.opened_in_a_row.saturating_add(1);
        self.change(State::Open { until: now.saturating_add(open) });
    }

    fn close(&mut self) {
        self.opened_in_a_row = 0;
        self.change(State::Closed { calls: Calls::new(self.limits.window) });
    }

    fn change(&mut self, state: State) {
        self.state = state;
        self.epoch += 1;
    }
}

#[cfg(test)]
mod tests;
