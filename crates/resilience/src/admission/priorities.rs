//! Priorities: of a limit, a part is kept for the important; the least important is shed first.
//!
//! One limit for all treats an order and a report alike, and at ten times the load sheds nine tenths of
//! both. Here each level above the lowest has a share of the limit to itself, as Stripe keeps 20 % for
//! critical calls ("Scaling your API with rate limiters", Tarjan 2017), with the levels of Google's
//! criticality (*Site Reliability Engineering*, chapter 21). A call of a level comes in while the calls in
//! flight, of whatever level, leave the shares of all higher levels untouched:
//!
//! ```text
//!      limit × (1 − critical − high − normal)  ─┐
//! 0 ───────────────────────────┬───────────┬────┴──────┬──────────┬─ limit
//!              low comes in    │  normal   │   high    │ critical │
//! ```
//!
//! So as load rises, low is shed first, then normal, then high; critical calls meet only the limit
//! itself. Nothing is reserved in vain: a higher level may use everything below it. A share is rounded
//! down to whole places, all shares together too, so a tiny limit reserves nothing.
//!
//! What this cannot do: critical calls are safe only while they alone stay below the limit, so mark few.
//! And a caller decides on its own priority: take it from something that the caller cannot forge.
//!
//! The limit may be fixed or [adaptive](super::adaptive). Default shares: 20 % for critical, 10 % each for
//! high and normal. The refused of a level that may not come in any more, while a higher one could, are
//! told [`Reason::LowPriority`]; at the limit itself everybody is told [`Reason::ConcurrencyLimit`].
//!
//! ```
//! use std::time::Duration;
//! use resilience::Priority;
//! use resilience::admission::adaptive::AdaptiveLimit;
//! use resilience::admission::guard::GuardLayer;
//! use resilience::admission::priorities::{Priorities, Reserves};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let rule = Priorities::new(AdaptiveLimit::fixed(10), Reserves::default(), Duration::from_secs(1));
//! assert_eq!((rule.room(Priority::Low), rule.room(Priority::Critical)), (6, 10));
//! let layer = GuardLayer::new(rule)
//!     .tagged(|n: &u32| if *n > 1000 { Priority::High } else { Priority::Normal });
//! let service = layer.layer(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) }));
//! assert_eq!(service.oneshot(41).await.unwrap(), 42);
//! # });
//! ```

use std::time::Duration;

use thiserror::Error;

use super::adaptive::{AdaptiveLimit, Began};
use super::guard::{Outcome, Rule};
use crate::priority::Priority;
use crate::ratio::Ratio;
use crate::refusal::{Reason, Refusal};

/// Which share of the limit is kept for each level and those above it; together at most all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reserves {
    critical: Ratio,
    high: Ratio,
    normal: Ratio,
}

/// More was reserved than there is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the shares reserved must not be more than all together, not {critical} + {high} + {normal}")]
pub struct InvalidReserves {
    /// For critical calls.
    pub critical: Ratio,
    /// For high ones.
    pub high: Ratio,
    /// For normal ones.
    pub normal: Ratio,
}

impl Default for Reserves {
    fn default() -> Self {
        Self { critical: Ratio::percent(20), high: Ratio::percent(10), normal: Ratio::percent(10) }
    }
}

impl Reserves {
    /// Shares for each level above the lowest.
    ///
    /// # Errors
    /// When together they are more than all.
    pub const fn new(critical: Ratio, high: Ratio, normal: Ratio) -> Result<Self, InvalidReserves> {
        if critical.millionths() + high.millionths() + normal.millionths() > Ratio::ONE.millionths() {
            return Err(InvalidReserves { critical, high, normal });
        }
        Ok(Self { critical, high, normal })
    }

    /// How many of `limit` places calls of `priority` may fill.
    #[must_use]
    pub fn room(&self, limit: usize, priority: Priority) -> usize {
        let (normal, high, critical) =
            (self.normal.millionths(), self.high.millionths(), self.critical.millionths());
        let kept = match priority {
            Priority::Critical => 0,
            Priority::High => critical,
            Priority::Normal => critical + high,
            Priority::Low => critical + high + normal,
        };
        let kept = limit as u128 * u128::from(kept) / u128::from(Ratio::ONE.millionths());
        limit - usize::try_from(kept).expect("a part of the limit")
    }
}

/// The rule. See the module.
#[derive(Clone, Debug, PartialEq)]
pub struct Priorities {
    limit: AdaptiveLimit,
    reserves: Reserves,
    retry_after: Duration,
}

impl Priorities {
    /// The refused are told to come back after `retry_after`.
    #[must_use]
    pub const fn new(limit: AdaptiveLimit, reserves: Reserves, retry_after: Duration) -> Self {
        Self { limit, reserves, retry_after }
    }

    /// How many places calls of `priority` may fill, as the limit stands.
    #[must_use]
    pub fn room(&self, priority: Priority) -> usize {
        self.reserves.room(self.limit.limit(), priority)
    }

    /// The limit with its state.
    #[must_use]
    pub const fn limit(&self) -> &AdaptiveLimit {
        &self.limit
    }

    /// The shares.
    #[must_use]
    pub const fn reserves(&self) -> Reserves {
        self.reserves
    }

    /// Another limit from now on.
    pub fn set_limit(&mut self, limit: AdaptiveLimit) {
        self.limit = limit;
    }

    /// Other shares from now on.
    pub const fn set_reserves(&mut self, reserves: Reserves) {
        self.reserves = reserves;
    }
}

impl Rule for Priorities {
    type Tag = Priority;
    type Pass = Began;

    fn admit(&mut self, now: Duration, in_flight: usize, tag: Priority) -> Result<Began, Refusal> {
        if in_flight < self.room(tag) {
            return Ok(Began::new(now, in_flight + 1));
        }
        let is_full = in_flight >= self.limit.limit();
        let reason = if is_full { Reason::ConcurrencyLimit } else { Reason::LowPriority };
        Err(Refusal { reason, retry_after: self.retry_after })
    }

    fn end(&mut self, now: Duration, _: usize, pass: Began, outcome: Outcome) {
        pass.end(now, outcome, &mut self.limit);
    }

    fn limit(&self) -> Option<usize> {
        Some(self.limit.limit())
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HINT: Duration = Duration::from_secs(1);

    fn rule(limit: usize) -> Priorities {
        Priorities::new(AdaptiveLimit::fixed(limit), Reserves::default(), HINT)
    }

    #[test]
    fn the_lowest_is_shed_first() {
        let mut rule = rule(10);
        let mut reason = |in_flight, tag| rule.admit(HINT, in_flight, tag).err().map(|no| no.reason);
        let at = |in_flight, reason: &mut dyn FnMut(usize, Priority) -> Option<Reason>| {
            Priority::ALL.map(|priority| reason(in_flight, priority))
        };
        let low = Some(Reason::LowPriority);
        assert_eq!(at(5, &mut reason), [None; 4]);
        assert_eq!(at(6, &mut reason), [low, None, None, None]);
        assert_eq!(at(7, &mut reason), [low, low, None, None]);
        assert_eq!(at(8, &mut reason), [low, low, low, None]);
        assert_eq!(at(10, &mut reason), [Some(Reason::ConcurrencyLimit); 4]);
    }

    #[test]
    fn a_tiny_limit_reserves_nothing_and_none_admits_nobody() {
        assert_eq!(Priority::ALL.map(|priority| rule(2).room(priority)), [2; 4]);
        assert_eq!(Priority::ALL.map(|priority| rule(0).room(priority)), [0; 4]);
    }

    #[test]
    fn more_than_all_cannot_be_reserved() {
        let half = Ratio::percent(50);
        assert!(Reserves::new(half, half, Ratio::percent(1)).is_err());
        let all = Reserves::new(half, half, Ratio::ZERO).expect("exactly all");
        assert_eq!((all.room(8, Priority::Low), all.room(8, Priority::High)), (0, 4));
    }

    proptest! {
        /// Who may come in at a level may at every higher one, and the limit is nobody's to exceed.
        #[test]
        fn room_grows_with_priority(
            limit in 0..10_000_usize, shares in prop::array::uniform3(0..=33_u8),
        ) {
            let [critical, high, normal] = shares.map(Ratio::percent);
            let reserves = Reserves::new(critical, high, normal).expect("at most all");
            let rooms = Priority::ALL.map(|priority| reserves.room(limit, priority));
            prop_assert!(rooms.is_sorted() && rooms[3] == limit);
            let kept = limit * usize::from(shares.iter().sum::<u8>()) / 100;
            prop_assert_eq!(rooms[0], limit - kept);
        }
    }
}
