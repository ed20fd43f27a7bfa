//! Gauges of the services: maxima for the record, and which of them measure a queue.

use std::collections::BTreeMap;

use crate::ENTRY_SERVICE;
use crate::facts::Facts;
use crate::record::ServiceRecord;

/// The gauges that measure waiting work, in any service: a declared queue, and what piles up without one.
pub(crate) const QUEUES: [&str; 2] = ["queue_depth", "waiting"];

/// Every service's maxima (`<gauge>_max`) and bounds.
pub(crate) fn services(facts: &Facts) -> BTreeMap<String, ServiceRecord> {
    let record = |gauges: &crate::facts::ServiceGauges| ServiceRecord {
        max: gauges.max.iter().map(|(gauge, max)| (format!("{gauge}_max"), *max)).collect(),
        bounds: gauges.bounds.clone(),
    };
    facts.services.iter().map(|(service, gauges)| (service.clone(), record(gauges))).collect()
}

/// The longest queue anywhere in the platform.
pub(crate) fn queue_depth_max(facts: &Facts) -> u64 {
    let depths =
        facts.services.values().flat_map(|gauges| QUEUES.iter().filter_map(|queue| gauges.max.get(*queue)));
    depths.copied().max().unwrap_or(0)
}

/// Most orders in work at once at the service that clients talk to: of replicas the sum, which is exact for one and
/// never too low for several.
pub(crate) fn in_flight_max(facts: &Facts) -> u64 {
    let entries = facts.services.iter().filter(|(name, _)| is_entry(name));
    entries.filter_map(|(_, gauges)| gauges.max.get("in_flight")).sum()
}

/// Whether clients talk to it: [`ENTRY_SERVICE`], or a replica of it with its number behind the name.
pub(crate) fn is_entry(service: &str) -> bool {
    match service.strip_prefix(ENTRY_SERVICE) {
        Some("") => true,
        Some(number) => number.strip_prefix('-').is_some_and(|number| number.parse::<u32>().is_ok()),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::ServiceGauges;

    fn facts() -> Facts {
        let gauges = |max: &[(&str, u64)]| ServiceGauges {
            max: max.iter().map(|&(gauge, max)| (gauge.to_owned(), max)).collect(),
            bounds: [("queue_depth".to_owned(), 16)].into(),
            ..ServiceGauges::default()
        };
        let services = [
            ("order-api".to_owned(), gauges(&[("in_flight", 64), ("connections", 70)])),
            ("order-processor".to_owned(), gauges(&[("in_flight", 900), ("queue_depth", 16)])),
            ("payment-service".to_owned(), gauges(&[("waiting", 32)])),
        ];
        Facts { services: services.into(), ..Facts::default() }
    }

    #[test]
    fn the_longest_queue_is_looked_for_everywhere() {
        assert_eq!(queue_depth_max(&facts()), 32);
        assert_eq!(queue_depth_max(&Facts::default()), 0);
    }

    #[test]
    fn in_flight_is_the_entry_services() {
        assert_eq!(in_flight_max(&facts()), 64);
    }

    #[test]
    fn replicas_of_the_entry_are_added_up() {
        let mut facts = facts();
        let first = facts.services["order-api"].clone();
        facts.services.insert("order-api-2".to_owned(), first.clone());
        facts.services.insert("order-api-gateway".to_owned(), first);
        assert_eq!(in_flight_max(&facts), 128);
    }

    #[test]
    fn each_gauge_becomes_a_maximum_and_keeps_its_bound() {
        let record = &services(&facts())["order-processor"];
        assert_eq!(
            record.max,
            [("in_flight_max".to_owned(), 900), ("queue_depth_max".to_owned(), 16)].into()
        );
        assert_eq!(record.bounds, [("queue_depth".to_owned(), 16)].into());
    }
}
