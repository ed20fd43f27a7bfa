//! The ledger: the invariants, checked on the ground truth of all sides.
//!
//! Each check returns the very orders that break it, ascending and each once, so that a report can name one
//! and a replay can follow it; the counts of the record are their numbers. A check sees facts of the *end* of
//! a run, after the quiet period: what is unfinished then will stay so.

mod violations;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

pub use violations::{Invariant, NAMED_MAX, Violation, violations};

use crate::facts::{Answer, Facts, StoredState};
use crate::record::Ledger;

/// Counts the violations of every invariant.
#[must_use]
pub fn check(facts: &Facts) -> Ledger {
    Ledger {
        lost: lost(facts).len() as u64,
        double_charged: double_charged(facts).len() as u64,
        ghost_charged: ghost_charged(facts).len() as u64,
        stuck: stuck(facts).len() as u64,
        duplicate_notified: duplicate_notified(facts).len() as u64,
        bounds_exceeded: bounds_exceeded(facts).len() as u64,
    }
}

/// Orders answered with success that are not there, or not as far as the answer said: a 200 promises a
/// completed order, every other 2xx (202) that the order exists.
#[must_use]
pub fn lost(facts: &Facts) -> Vec<&str> {
    let stored = states(facts);
    let kept = |order: &str, status: u16| match (status, stored.get(order)) {
        (_, None) => false,
        (200, Some(state)) => *state == StoredState::Completed,
        (_, Some(_)) => true,
    };
    let lost = facts.asked.iter().chain(&facts.repeated).filter_map(|asked| match asked.answer {
        Answer::Status(status @ 200..=299) if !kept(&asked.order, status) => Some(asked.order.as_str()),
        _ => None,
    });
    sorted(lost)
}

/// Orders with more than one successful charge. A refund does not undo the violation: the money moved twice.
#[must_use]
pub fn double_charged(facts: &Facts) -> Vec<&str> {
    repeated(facts.charged.iter().map(|charge| charge.order.as_str()))
}

/// Orders that carry a charge that was not refunded, although they are not completed: given up, declined,
/// unfinished, or unknown to the order store.
#[must_use]
pub fn ghost_charged(facts: &Facts) -> Vec<&str> {
    let stored = states(facts);
    let kept = facts.charged.iter().filter(|charge| !charge.refunded).map(|charge| charge.order.as_str());
    sorted(kept.filter(|order| stored.get(order) != Some(&StoredState::Completed)))
}

/// Accepted orders that are in no final state.
#[must_use]
pub fn stuck(facts: &Facts) -> Vec<&str> {
    sorted(facts.stored.iter().filter(|stored| !stored.state.is_final()).map(|stored| stored.order.as_str()))
}

/// Orders whose customer was told more than once.
#[must_use]
pub fn duplicate_notified(facts: &Facts) -> Vec<&str> {
    repeated(facts.told.iter().map(|told| told.order.as_str()))
}

/// A gauge that is not known to have stayed within the bound that the design declares for it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exceeded<'a> {
    /// The service.
    pub service: &'a str,
    /// The gauge.
    pub gauge: &'a str,
    /// How high it went; `None` when nobody reported it.
    pub max: Option<u64>,
    /// How high it may go.
    pub bound: u64,
}

/// For people: `order-api in_flight 65 of 64`.
impl fmt::Display for Exceeded<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { service, gauge, max, bound } = self;
        match max {
            Some(max) => write!(f, "{service} {gauge} {max} of {bound}"),
            None => write!(f, "{service} {gauge} unreported, of {bound}"),
        }
    }
}

/// Gauges above their bounds, by service and name. No single order is to blame for these.
///
/// A gauge that has a bound and was not reported is a violation too: a misspelt name would otherwise make
/// a check that can never fail.
#[must_use]
pub fn bounds_exceeded(facts: &Facts) -> Vec<Exceeded<'_>> {
    let mut exceeded = Vec::new();
    for (service, gauges) in &facts.services {
        for (gauge, &bound) in &gauges.bounds {
            let max = gauges.max.get(gauge).copied();
            if max.is_none_or(|max| max > bound) {
                exceeded.push(Exceeded { service, gauge, max, bound });
            }
        }
    }
    exceeded
}

fn states(facts: &Facts) -> BTreeMap<&str, StoredState> {
    facts.stored.iter().map(|stored| (stored.order.as_str(), stored.state)).collect()
}

fn sorted<'a>(orders: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    orders.collect::<BTreeSet<_>>().into_iter().collect()
}

fn repeated<'a>(orders: impl Iterator<Item = &'a str>) -> Vec<&'a str> {
    let mut times: BTreeMap<&str, u64> = BTreeMap::new();
    for order in orders {
        *times.entry(order).or_default() += 1;
    }
    times.into_iter().filter(|&(_, times)| times > 1).map(|(order, _)| order).collect()
}

#[cfg(test)]
mod tests;
