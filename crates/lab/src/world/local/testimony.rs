//! One service's testimony out of those of its instances.
//!
//! A killed process takes with it what only it knew: its journal of calls, its gauges, alerts and spans. It was asked
//! for that just before; its successor knows the stores and what came after. Stores are taken from the last instance
//! alone: what a store lost is a finding.

use std::collections::BTreeMap;

use platform::{ServiceFacts, ServiceKind, design::Process};

use super::admin::Gauges;
use crate::collector::Witness;

/// The testimony of each service in a process: what instances before knew, what the last one says (nothing if it was
/// never started again), and the gauges that were seen meanwhile.
pub(super) fn joined(
    process: Process,
    before: Vec<ServiceFacts>,
    last: Vec<ServiceFacts>,
    seen: &Gauges,
) -> Vec<Witness> {
    let mut by_service: BTreeMap<ServiceKind, ServiceFacts> = BTreeMap::new();
    for facts in before.into_iter().chain(last) {
        let service = facts.service;
        let joined = match by_service.remove(&service) {
            Some(earlier) => join(earlier, facts),
            None => facts,
        };
        by_service.insert(service, joined);
    }
    let named = |facts: ServiceFacts| Witness { name: process.part(facts.service), facts };
    let mut all: Vec<_> = by_service.into_values().map(named).collect();
    for Witness { name, facts } in &mut all {
        for (gauge, max) in seen.get(name).into_iter().flatten() {
            let fact = facts.gauges.entry(gauge.clone()).or_default();
            fact.max = fact.max.max(*max);
        }
    }
    all
}

/// What both instances of a service know together; the stores are the later one's.
fn join(earlier: ServiceFacts, mut later: ServiceFacts) -> ServiceFacts {
    for (order, calls) in earlier.calls.per_order {
        *later.calls.per_order.entry(order).or_default() += calls;
    }
    for (second, calls) in earlier.calls.per_second {
        *later.calls.per_second.entry(second).or_default() += calls;
    }
    later.settled.completed += earlier.settled.completed;
    later.settled.failed += earlier.settled.failed;
    later.settled.refunded += earlier.settled.refunded;
    for (gauge, fact) in earlier.gauges {
        let later = later.gauges.entry(gauge).or_default();
        later.max = later.max.max(fact.max);
    }
    if let Some(mut alerts) = earlier.alerts {
        alerts.extend(later.alerts.take().unwrap_or_default());
        later.alerts = Some(alerts);
    }
    let mut spans = earlier.spans;
    spans.append(&mut later.spans);
    later.spans = spans;
    later
}

#[cfg(test)]
mod tests {
    use serde_json::{from_value, json};

    use super::*;

    const SECOND: Process = Process { kind: ServiceKind::OrderApi, replica: 2 };

    fn facts(orders: &[&str], calls: u64, in_flight: u64) -> ServiceFacts {
        let orders: Vec<_> = orders.iter().map(|id| json!({"order_id": id, "state": "completed"})).collect();
        from_value(json!({
            "service": "order-api",
            "orders": orders,
            "calls": {"per_order": {"o-1": calls}, "per_second": {"7": calls}},
            "settled": {"completed": calls, "failed": 0, "refunded": 0},
            "gauges": {"in_flight": {"now": 0, "max": in_flight}},
        }))
        .expect("facts")
    }

    #[test]
    fn counts_add_up_and_the_store_is_the_last_instances() {
        let all =
            joined(SECOND, vec![facts(&["o-1"], 2, 9)], vec![facts(&["o-1", "o-2"], 1, 4)], &Gauges::new());
        let [Witness { name, facts: both }] = &all[..] else { panic!("one service") };
        assert_eq!(name, "order-api-2");
        assert_eq!(both.orders.len(), 2);
        assert_eq!(both.calls.per_order.values().sum::<u64>(), 3);
        assert_eq!(both.calls.per_second[&7], 3);
        assert_eq!((both.settled.completed, both.gauges["in_flight"].max), (3, 9));
    }

    #[test]
    fn a_service_that_never_came_back_is_known_by_its_last_words_and_what_was_seen() {
        let seen = [("order-api-2".to_owned(), [("in_flight".to_owned(), 12)].into())].into();
        let all = joined(SECOND, vec![facts(&["o-1"], 1, 9)], Vec::new(), &seen);
        assert_eq!((all[0].facts.orders.len(), all[0].facts.gauges["in_flight"].max), (1, 12));
    }
}
