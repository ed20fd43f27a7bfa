//! Time series in one-second bins, all of the same length: from the start of the load to the end of the run.
//!
//! What is asked counts in the second of its intended send time, what is answered in the second of the
//! answer; gauges are the maximum within the second, and 0 in seconds that nobody measured.

use std::collections::BTreeMap;

use crate::background::backlog_per_second;
use crate::facts::Facts;
use crate::goodput::{Goodput, capacity_in};
use crate::latency::Latencies;
use crate::outcomes::{Outcome, error_key};
use crate::record::Series;
use crate::rounding;
use crate::services::{QUEUES, is_entry};

const BIN_US: u64 = 1_000_000;

/// All series of a run.
pub(crate) fn series(facts: &Facts, goodput: &Goodput<'_>) -> Series {
    let bins = bins(facts);
    let windows = || (0..bins as u64).map(|bin| (bin * BIN_US, (bin + 1) * BIN_US));
    let services = gauges(facts, bins);
    let (p50_ms, p99_ms) = latencies(facts, bins);
    let (throughput, errors) = answers(facts, bins);
    Series {
        bin_s: 1,
        offered: windows().map(|(from, to)| goodput.offered(from, to)).collect(),
        goodput: windows().map(|(from, to)| goodput.good(from, to)).collect(),
        throughput,
        in_flight: of_entry(&services, "in_flight", bins),
        queue_depth: longest_queues(&services, bins),
        connections: of_entry(&services, "connections", bins),
        p50_ms,
        p99_ms,
        attempts: padded(&facts.payment_calls_per_second, bins),
        capacity: windows()
            .map(|(from, to)| rounding::rate(capacity_in(&facts.capacity, from, to)))
            .collect(),
        backlog: backlog_per_second(facts, bins),
        errors,
        services,
    }
}

/// Enough bins for the run and for everything that was measured in it.
fn bins(facts: &Facts) -> usize {
    let done_us = facts.asked.iter().map(|order| order.done_us.max(order.intended_us) + 1).max().unwrap_or(0);
    let until_us = facts.ended_us.max(facts.load_end_us).max(done_us);
    let measured = facts.services.values().flat_map(|gauges| gauges.per_second.values()).map(Vec::len);
    let measured = measured.max().unwrap_or(0).max(facts.payment_calls_per_second.len());
    (until_us.div_ceil(BIN_US) as usize).max(measured)
}

fn padded(values: &[u64], bins: usize) -> Vec<u64> {
    let mut values = values.to_vec();
    values.resize(bins, 0);
    values
}

fn gauges(facts: &Facts, bins: usize) -> BTreeMap<String, BTreeMap<String, Vec<u64>>> {
    let of_service = |per_second: &BTreeMap<String, Vec<u64>>| {
        per_second.iter().map(|(gauge, values)| (gauge.clone(), padded(values, bins))).collect()
    };
    facts.services.iter().map(|(service, gauges)| (service.clone(), of_service(&gauges.per_second))).collect()
}

/// A gauge of the service that clients talk to; of its replicas the sum.
fn of_entry(services: &BTreeMap<String, BTreeMap<String, Vec<u64>>>, gauge: &str, bins: usize) -> Vec<u64> {
    let mut sum = vec![0; bins];
    let entries = services.iter().filter(|(name, _)| is_entry(name));
    for values in entries.filter_map(|(_, gauges)| gauges.get(gauge)) {
        sum.iter_mut().zip(values).for_each(|(sum, value)| *sum += value);
    }
    sum
}

fn longest_queues(services: &BTreeMap<String, BTreeMap<String, Vec<u64>>>, bins: usize) -> Vec<u64> {
    let mut longest = vec![0; bins];
    for depths in services.values().flat_map(|gauges| QUEUES.iter().filter_map(|queue| gauges.get(*queue))) {
        for (longest, depth) in longest.iter_mut().zip(depths) {
            *longest = (*longest).max(*depth);
        }
    }
    longest
}

/// Median and 99th percentile of the successes of each second. One histogram serves all seconds in turn.
fn latencies(facts: &Facts, bins: usize) -> (Vec<Option<f64>>, Vec<Option<f64>>) {
    let mut by_bin = vec![Vec::new(); bins];
    for order in facts.asked.iter().filter(|order| Outcome::of(order.answer) == Outcome::Succeeded) {
        by_bin[bin(order.intended_us)].push(order);
    }
    let mut latencies = Latencies::new();
    let quantiles = by_bin.into_iter().map(|orders| {
        if orders.is_empty() {
            return (None, None);
        }
        latencies.clear();
        orders.into_iter().for_each(|order| latencies.record(order));
        (latencies.quantile_ms(0.5), latencies.quantile_ms(0.99))
    });
    quantiles.unzip()
}

/// Successes and errors by the second of the answer.
fn answers(facts: &Facts, bins: usize) -> (Vec<u64>, BTreeMap<String, Vec<u64>>) {
    let mut throughput = vec![0; bins];
    let mut by_answer = BTreeMap::new();
    for order in &facts.asked {
        if Outcome::of(order.answer) == Outcome::Succeeded {
            throughput[bin(order.done_us)] += 1;
        } else {
            by_answer.entry(order.answer).or_insert_with(|| vec![0; bins])[bin(order.done_us)] += 1;
        }
    }
    let errors =
        by_answer.into_iter().filter_map(|(answer, counts)| Some((error_key(answer)?, counts))).collect();
    (throughput, errors)
}

fn bin(us: u64) -> usize {
    (us / BIN_US) as usize
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::{Answer, Asked, ServiceGauges};

    const S: u64 = 1_000_000;

    fn facts() -> Facts {
        let order = |intended_us, done_us, answer| Asked {
            order: "o".into(),
            intended_us,
            sent_us: Some(intended_us),
            done_us,
            answer,
        };
        let gauges = |per_second: &[(&str, &[u64])]| ServiceGauges {
            per_second: per_second
                .iter()
                .map(|(gauge, values)| ((*gauge).to_owned(), values.to_vec()))
                .collect(),
            ..ServiceGauges::default()
        };
        Facts {
            asked: vec![
                order(0, S / 2, Answer::Status(200)),
                order(S - 1, 3 * S + 1, Answer::Status(200)),
                order(S, S + 1, Answer::Status(429)),
                order(S + 1, 2 * S, Answer::Status(402)),
            ],
            payment_calls_per_second: vec![2, 1],
            services: [
                ("order-api".to_owned(), gauges(&[("in_flight", &[3, 1]), ("connections", &[4])])),
                ("order-processor".to_owned(), gauges(&[("queue_depth", &[1, 5])])),
                ("payment-service".to_owned(), gauges(&[("waiting", &[2])])),
            ]
            .into(),
            capacity: vec![(0, 10.0), (S + S / 2, 0.0)],
            load_end_us: 2 * S,
            ended_us: 3 * S + 2,
            ..Facts::default()
        }
    }

    #[test]
    fn everything_falls_into_its_second() {
        let facts = facts();
        let series = series(&facts, &Goodput::of(&facts));
        assert_eq!(series.offered, [2, 2, 0, 0]);
        assert_eq!(series.goodput, [1, 0, 0, 0]);
        assert_eq!(series.throughput, [1, 0, 0, 1]);
        assert_eq!(series.in_flight, [3, 1, 0, 0]);
        assert_eq!(series.queue_depth, [2, 5, 0, 0]);
        assert_eq!(series.connections, [4, 0, 0, 0]);
        assert_eq!(series.attempts, [2, 1, 0, 0]);
        assert_eq!(series.capacity, [10.0, 5.0, 0.0, 0.0]);
        assert_eq!(series.p99_ms, [Some(2000.002), None, None, None]);
        assert_eq!(series.errors, [("429".to_owned(), vec![0, 1, 0, 0])].into());
        assert_eq!(series.services["payment-service"]["waiting"], [2, 0, 0, 0]);
    }

    #[test]
    fn nothing_measured_is_no_bins() {
        let facts = Facts::default();
        let expected = Series { bin_s: 1, ..Series::default() };
        assert_eq!(series(&facts, &Goodput::of(&facts)), expected);
    }
}
