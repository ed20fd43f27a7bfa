//! Priorities: how the orders that say they matter fared, beside the others.

use std::collections::BTreeMap;

use crate::facts::{Asked, Facts};
use crate::latency::Latencies;
use crate::outcomes::{Outcome, Tally};
use crate::record::PriorityRecord;
use crate::rounding;

/// The outcomes of each priority; none when nobody claimed one.
pub(crate) fn priorities(facts: &Facts) -> BTreeMap<String, PriorityRecord> {
    if facts.high_priority.is_empty() {
        return BTreeMap::new();
    }
    let (high, normal): (Vec<&Asked>, Vec<&Asked>) =
        facts.asked.iter().partition(|order| facts.high_priority.contains(&order.order));
    [("high", high), ("normal", normal)].map(|(name, orders)| (name.to_owned(), record(&orders))).into()
}

fn record(orders: &[&Asked]) -> PriorityRecord {
    let tally = Tally::of(orders.iter().copied());
    let offered = orders.len() as u64;
    let successes = orders.iter().filter(|order| Outcome::of(order.answer) == Outcome::Succeeded);
    PriorityRecord {
        offered,
        succeeded: tally.succeeded,
        declined: tally.declined,
        rejected: tally.rejected,
        failed: tally.failed,
        timed_out: tally.timed_out,
        success_ratio: rounding::share(tally.succeeded, offered),
        latency_ms: successes.copied().collect::<Latencies>().phase(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Answer;

    #[test]
    fn each_priority_has_outcomes_of_its_own() {
        let asked = |order: &str, status| Asked {
            order: order.into(),
            intended_us: 0,
            sent_us: Some(0),
            done_us: 1_000,
            answer: Answer::Status(status),
        };
        let facts = Facts {
            asked: vec![asked("a", 200), asked("b", 429), asked("c", 200), asked("d", 429)],
            high_priority: ["a".to_owned()].into(),
            ..Facts::default()
        };
        let priorities = priorities(&facts);
        assert_eq!((priorities["high"].offered, priorities["high"].success_ratio), (1, Some(1.0)));
        assert_eq!((priorities["normal"].rejected, priorities["normal"].success_ratio), (2, Some(0.3333)));
    }

    #[test]
    fn where_nobody_claims_one_there_are_none() {
        assert!(priorities(&Facts::default()).is_empty());
    }
}
