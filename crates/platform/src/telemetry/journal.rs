//! The journal of calls to payment: how often each order tried to be paid, and how many calls there were
//! in each second.
//!
//! It counts calls made, not calls answered: the load that retries put on a dependency is what matters,
//! whether or not the dependency is there to feel it.

use std::collections::BTreeMap;
use std::time::Duration;

use domain::OrderId;
use serde::{Deserialize, Serialize};

/// How many orders the journal knows by name unless it is told otherwise; later ones are counted by the second only.
pub const JOURNALLED_ORDERS_MAX: usize = 1_000_000;

/// Calls made to payment.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CallJournal {
    /// Calls made for each order.
    pub per_order: BTreeMap<OrderId, u64>,
    /// Calls made in each second of the node's timeline (`Node::elapsed`), by the number of the second.
    pub per_second: BTreeMap<u64, u64>,
}

impl CallJournal {
    /// Writes one call down, by its order too while that are not more than `orders_max`.
    pub(crate) fn record(&mut self, order_id: &OrderId, elapsed: Duration, orders_max: usize) {
        *self.per_second.entry(elapsed.as_secs()).or_default() += 1;
        if let Some(calls) = self.per_order.get_mut(order_id) {
            *calls += 1;
        } else if self.per_order.len() < orders_max {
            self.per_order.insert(order_id.clone(), 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_by_order_up_to_its_bound_and_by_second() {
        let mut journal = CallJournal::default();
        let order = |id| OrderId::new(id).expect("a valid id");
        for (id, at_ms) in [("a", 0), ("a", 999), ("b", 1_000), ("c", 1_500), ("a", 3_000)] {
            journal.record(&order(id), Duration::from_millis(at_ms), 2);
        }
        assert_eq!(journal.per_order, [(order("a"), 3), (order("b"), 1)].into());
        assert_eq!(journal.per_second, [(0, 2), (1, 2), (3, 1)].into());
    }

    #[test]
    fn survives_the_way_through_json() {
        let mut journal = CallJournal::default();
        journal.record(&OrderId::new("a").expect("a valid id"), Duration::from_secs(7), 1);
        let text = serde_json::to_string(&journal).expect("plain data");
        assert_eq!(serde_json::from_str::<CallJournal>(&text).expect("what was written"), journal);
    }
}
