//! Payment calls: how often an order was tried, and for whom nobody waited any more.

use std::collections::BTreeMap;

use crate::facts::Facts;
use crate::outcomes::Outcome;
use crate::rounding;

/// Payment calls of some orders, and how many of the orders made at least one.
#[derive(Debug, Default)]
pub(crate) struct Attempts {
    pub(crate) calls: u64,
    orders: u64,
}

impl Attempts {
    /// Adds the calls that were made for one order.
    pub(crate) fn add(&mut self, calls: u64) {
        self.calls += calls;
        self.orders += u64::from(calls > 0);
    }

    /// Calls ÷ orders that made at least one.
    pub(crate) fn per_order(&self) -> Option<f64> {
        rounding::share(self.calls, self.orders)
    }
}

impl FromIterator<u64> for Attempts {
    fn from_iter<I: IntoIterator<Item = u64>>(calls: I) -> Self {
        let mut attempts = Self::default();
        calls.into_iter().for_each(|calls| attempts.add(calls));
        attempts
    }
}

/// Charges made after their client had gone with anything but a success: work for nobody.
pub(crate) fn wasted_payments(facts: &Facts) -> u64 {
    let gone = gone(facts);
    let is_wasted = |order: &str, at_us: u64| gone.get(order).is_some_and(|&done_us| at_us > done_us);
    facts.charged.iter().filter(|charge| is_wasted(&charge.order, charge.at_us)).count() as u64
}

/// The orders whose clients left with anything but a success, and when.
pub(crate) fn gone(facts: &Facts) -> BTreeMap<&str, u64> {
    let left = facts.asked.iter().filter(|order| Outcome::of(order.answer) != Outcome::Succeeded);
    left.map(|order| (order.order.as_str(), order.done_us)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Asked, Charged};

    #[test]
    fn orders_that_never_called_do_not_dilute_the_attempts() {
        assert_eq!(Attempts::from_iter([0, 1, 4, 0]).per_order(), Some(2.5));
        assert_eq!(Attempts::from_iter([0]).per_order(), None);
    }

    #[test]
    fn a_charge_is_wasted_only_after_its_client_left_without_success() {
        let asked = |order: &str, answer| Asked {
            order: order.into(),
            intended_us: 0,
            sent_us: Some(0),
            done_us: 100,
            answer,
        };
        let charge = |order: &str, at_us| Charged { order: order.into(), at_us, refunded: false };
        let facts = Facts {
            asked: vec![asked("gone", Answer::TimedOut), asked("served", Answer::Status(200))],
            charged: vec![
                charge("gone", 100),
                charge("gone", 101),
                charge("served", 500),
                charge("unknown", 500),
            ],
            ..Facts::default()
        };
        assert_eq!(wasted_payments(&facts), 1);
    }
}
