//! A budget for extra calls: a share of the calls there are anyway, and a floor for the quiet hours.
//!
//! Retries and hedges multiply load exactly when there is too much of it. A budget makes the multiple a
//! number that is known beforehand: however many calls fail, the extra calls of a window (counted back from
//! any of them) are at most `ratio` of the first calls in it and in the tenth of a window before, plus
//! `floor_per_s` × window.
//! After Finagle's `RetryBudget` (20 %, 10 per second, over 10 seconds), which linkerd took over; unlike
//! a limit of attempts per call it bounds the *sum* over all calls.
//!
//! The floor is there so that a service with few calls may retry at all, and it is what a fresh budget
//! starts with. Everything is reckoned in millionths of a call, so nothing is rounded.

use std::time::Duration;

use crate::ratio::Ratio;
use crate::slots::Slots;

/// One extra call, in units of the balance.
const CALL: u64 = 1_000_000;

/// How many extra calls there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BudgetLimits {
    /// Extra calls per first call. Default: 20 %.
    pub ratio: Ratio,
    /// Extra calls per second that are always there. Default: 10.
    pub floor_per_s: u32,
    /// How long a first call vouches for an extra one. Default: 10 s.
    pub window: Duration,
}

impl Default for BudgetLimits {
    fn default() -> Self {
        Self { ratio: Ratio::percent(20), floor_per_s: 10, window: Duration::from_secs(10) }
    }
}

impl BudgetLimits {
    /// The floor over one window, in units of the balance.
    fn reserve(&self) -> u64 {
        let units = u128::from(self.floor_per_s) * u128::from(CALL) * self.window.as_nanos() / 1_000_000_000;
        u64::try_from(units).unwrap_or(u64::MAX)
    }
}

/// What one slot of the window saw, in units of the balance.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Flow {
    deposited: u64,
    withdrawn: u64,
}

/// The budget, pure. `now` is the time since some fixed origin.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Budget {
    limits: BudgetLimits,
    flows: Slots<Flow>,
}

/// What was taken for one extra call. It can be put back as long as it was not used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Withdrawal {
    slot: u128,
}

impl Budget {
    /// A fresh budget: its floor is there, its share is still to be earned.
    #[must_use]
    pub fn new(limits: BudgetLimits) -> Self {
        Self { limits, flows: Slots::new(limits.window) }
    }

    /// A first call: it earns its share of an extra one.
    pub fn deposit(&mut self, now: Duration) {
        self.flows.advance(now);
        let flow = self.flows.current().1;
        flow.deposited = flow.deposited.saturating_add(u64::from(self.limits.ratio.millionths()));
    }

    /// So many first calls of lately, before [`Budget::settled_until_ns`].
    pub(crate) const fn deposit_late(&mut self, calls: u64) {
        let earned = (self.limits.ratio.millionths() as u64).saturating_mul(calls);
        let flow = self.flows.current().1;
        flow.deposited = flow.deposited.saturating_add(earned);
    }

    /// Until then (exclusively) it makes no difference when a first call comes.
    pub(crate) const fn settled_until_ns(&self) -> u128 {
        self.flows.current_until_ns()
    }

    /// Takes what one extra call costs. `None` when it is not there.
    pub fn withdraw(&mut self, now: Duration) -> Option<Withdrawal> {
        if self.available(now) == 0 {
            return None;
        }
        let (slot, flow) = self.flows.current();
        flow.withdrawn += CALL;
        Some(Withdrawal { slot })
    }

    /// Puts back what was not used after all.
    pub fn put_back(&mut self, now: Duration, Withdrawal { slot }: Withdrawal) {
        self.flows.advance(now);
        if let Some(flow) = self.flows.get_mut(slot) {
            flow.withdrawn = flow.withdrawn.saturating_sub(CALL);
        }
    }

    /// How many extra calls there may be right now.
    #[must_use]
    pub fn available(&mut self, now: Duration) -> u64 {
        self.flows.advance(now);
        let deposited =
            self.flows.iter().fold(self.limits.reserve(), |sum, f| sum.saturating_add(f.deposited));
        let withdrawn = self.flows.iter().fold(0_u64, |sum, f| sum.saturating_add(f.withdrawn));
        deposited.saturating_sub(withdrawn) / CALL
    }

    /// The limits.
    #[must_use]
    pub const fn limits(&self) -> BudgetLimits {
        self.limits
    }

    /// Other limits from now on. What was earned and spent stays, unless the window changes: then the
    /// budget is a fresh one, less what is spent already (or a change would be a way to a fresh floor).
    pub fn set_limits(&mut self, now: Duration, limits: BudgetLimits) {
        self.flows.advance(now);
        if limits.window != self.limits.window {
            let withdrawn = self.flows.iter().fold(0_u64, |sum, f| sum.saturating_add(f.withdrawn));
            let deposited = self.flows.iter().fold(0_u64, |sum, f| sum.saturating_add(f.deposited));
            self.flows = Slots::new(limits.window);
            self.flows.advance(now);
            *self.flows.current().1 = Flow { deposited, withdrawn };
        }
        self.limits = limits;
    }
}

#[cfg(test)]
mod tests;
