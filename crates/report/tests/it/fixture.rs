//! A plausible record without the laboratory: a toy of the ladder, judged by the real `evidence`.
//!
//! Each design is a FIFO of 32 slots behind a limit; a blackout holds the slots it hits for ever, as it
//! does where nothing has a timeout. The toy is not the platform: it only has to give every report
//! something of each kind to show, the same on every machine.

use std::collections::{BTreeMap, BinaryHeap};

use evidence::facts::{Answer, Asked, Charged, Facts, ServiceGauges, Stored, StoredState};
use evidence::record::{Cell, LoadRecord, Record, SCHEMA};
use evidence::{CellMeta, assess};

const SECOND: u64 = 1_000_000;
const LOAD_S: u64 = 20;
const CLIENT_TIMEOUT: u64 = 30 * SECOND;
const SLOTS: usize = 32;
const CAPACITY: f64 = 152.0;
const NEVER: u64 = u64::MAX;

/// A toy design: its name, its limit, and what the limit is called.
struct Toy {
    name: &'static str,
    limit: u64,
    refuses: bool,
}

const TOYS: [Toy; 3] = [
    Toy { name: "v0.1.0", limit: 4_096, refuses: false },
    Toy { name: "v0.2.0", limit: 64, refuses: true },
    Toy { name: "v0.3.0", limit: 48, refuses: true },
];

/// 3 designs × 4 rates × 3 faults, for each seed.
pub(crate) fn ladder(seeds: &[u64]) -> Record {
    let mut cells = Vec::new();
    for seed in seeds {
        for fault in ["none", "brownout", "blackout"] {
            for rate in [50, 100, 200, 1_000] {
                cells.extend(TOYS.iter().map(|toy| cell(toy, fault, rate, *seed)));
            }
        }
    }
    Record {
        schema: SCHEMA,
        experiment: "ladder".to_owned(),
        world: "sim".to_owned(),
        seed: seeds[0],
        wall_s: 12.3,
        warnings: vec![],
        not_modelled: vec![
            "packet loss and reordering within a connection".to_owned(),
            "links faster than 1 ms".to_owned(),
        ],
        sections: vec![],
        searches: vec![],
        cells,
    }
}

fn cell(toy: &Toy, fault: &str, rate: u64, seed: u64) -> Cell {
    let load = LoadRecord::Constant {
        rate_per_s: rate as f64,
        duration_s: LOAD_S as f64,
        spacing: "even".to_owned(),
    };
    let meta = CellMeta {
        design: toy.name.to_owned(),
        fault: fault.to_owned(),
        seed,
        load,
        load_name: None,
        slo: evidence::SLO,
        capacity_per_s: CAPACITY,
        detail: None,
    };
    assess(meta, &run(toy, fault, rate, seed))
}

/// One order's way through the toy.
struct Order {
    asked: u64,
    began: u64,
    left: u64,
    refused: bool,
}

fn run(toy: &Toy, fault: &str, rate: u64, seed: u64) -> Facts {
    let mut slots: BinaryHeap<std::cmp::Reverse<u64>> = vec![std::cmp::Reverse(0); SLOTS].into();
    let mut inside: BinaryHeap<std::cmp::Reverse<u64>> = BinaryHeap::new();
    let mut orders = Vec::new();
    for i in 0..rate * LOAD_S {
        let asked = i * SECOND / rate;
        while inside.peek().is_some_and(|left| left.0 <= asked) {
            inside.pop();
        }
        if inside.len() as u64 >= toy.limit {
            orders.push(Order { asked, began: NEVER, left: NEVER, refused: true });
            continue;
        }
        let free = slots.pop().expect("the slots always come back").0;
        let began = free.max(asked);
        let left = leaves(fault, began, service(i + seed * 7_919));
        slots.push(std::cmp::Reverse(left));
        inside.push(std::cmp::Reverse(left));
        orders.push(Order { asked, began, left, refused: false });
    }
    facts(toy, fault, &orders)
}

/// 110 to 310 ms, scattered by a multiplicative hash.
fn service(i: u64) -> u64 {
    110_000 + i.wrapping_mul(0x9E37_79B9_7F4A_7C15) % 200_000
}

fn leaves(fault: &str, began: u64, service: u64) -> u64 {
    let (from, to) = (5 * SECOND, 10 * SECOND);
    match fault {
        _ if began == NEVER => NEVER,
        "brownout" if began >= from && began < to => began + 5 * service,
        "blackout" if began < to && began + service > from => NEVER,
        _ => began + service,
    }
}

fn facts(toy: &Toy, fault: &str, orders: &[Order]) -> Facts {
    let mut facts = Facts { load_end_us: LOAD_S * SECOND, ended_us: 60 * SECOND, ..Facts::default() };
    facts.capacity = match fault {
        "brownout" => vec![(0, CAPACITY), (5 * SECOND, 16.0), (10 * SECOND, CAPACITY)],
        "blackout" => vec![(0, CAPACITY), (5 * SECOND, 0.0), (10 * SECOND, CAPACITY)],
        _ => vec![(0, CAPACITY)],
    };
    facts.fault_window_us = (fault != "none").then_some((5 * SECOND, 10 * SECOND));
    facts.payment_calls_per_second = vec![0; 60];
    for (i, order) in orders.iter().enumerate() {
        let id = format!("order-{i}");
        let in_time = order.left.saturating_sub(order.asked) < CLIENT_TIMEOUT;
        let (done_us, answer) = match order.refused {
            true if toy.refuses => (order.asked + 2_000, Answer::Status(429)),
            false if in_time => (order.left, Answer::Status(200)),
            _ => (order.asked + CLIENT_TIMEOUT, Answer::TimedOut),
        };
        let (intended_us, sent_us) = (order.asked, Some(order.asked));
        facts.asked.push(Asked { order: id.clone(), intended_us, sent_us, done_us, answer });
        if order.refused {
            continue;
        }
        let calls = 1 + u64::from(i % 20 == 0);
        facts.payment_calls.insert(id.clone(), calls);
        if let Some(bin) = facts.payment_calls_per_second.get_mut((order.began / SECOND) as usize) {
            *bin += calls;
        }
        let paid = order.left != NEVER;
        if paid {
            facts.charged.push(Charged { order: id.clone(), at_us: order.left, refunded: false });
        }
        let state = if paid { StoredState::Completed } else { StoredState::Paying };
        facts.stored.push(Stored { order: id, state });
    }
    facts.services = services(toy, orders);
    facts
}

fn services(toy: &Toy, orders: &[Order]) -> BTreeMap<String, ServiceGauges> {
    let taken = || orders.iter().filter(|order| !order.refused);
    let inside = gauge(taken().map(|order| (order.asked, order.left)));
    let waiting = gauge(taken().map(|order| (order.asked, order.began)));
    let connections = match toy.refuses {
        true => inside.iter().map(|inside| inside + 3).collect(),
        false => inside.clone(),
    };
    let (bounded, unseen) =
        if toy.name == "v0.3.0" { (waiting, vec![0; 60]) } else { (vec![0; 60], waiting) };
    let bound =
        |name: &str| if toy.refuses { [(name.to_owned(), toy.limit)].into() } else { BTreeMap::new() };
    [
        (
            "order-api",
            service_gauges([("in_flight", inside), ("connections", connections)], bound("in_flight")),
        ),
        ("order-processor", service_gauges([("queue_depth", bounded)], BTreeMap::new())),
        ("payment-service", service_gauges([("waiting", unseen)], BTreeMap::new())),
    ]
    .map(|(name, gauges)| (name.to_owned(), gauges))
    .into()
}

fn service_gauges<const N: usize>(
    gauges: [(&str, Vec<u64>); N],
    bounds: BTreeMap<String, u64>,
) -> ServiceGauges {
    let max = gauges.iter().map(|(name, bins)| ((*name).to_owned(), bins.iter().copied().max().unwrap_or(0)));
    ServiceGauges {
        max: max.collect(),
        bounds,
        per_second: gauges.iter().map(|(name, bins)| ((*name).to_owned(), bins.clone())).collect(),
    }
}

/// The maximum number of overlapping intervals within each of 60 seconds.
fn gauge(intervals: impl Iterator<Item = (u64, u64)>) -> Vec<u64> {
    let mut changes: Vec<(u64, i64)> = Vec::new();
    for (from, to) in intervals.filter(|(from, to)| from < to) {
        changes.push((from, 1));
        if to != NEVER {
            changes.push((to, -1));
        }
    }
    changes.sort_unstable();
    let (mut bins, mut now, mut next) = (vec![0; 60], 0_i64, 0);
    for (second, bin) in bins.iter_mut().enumerate() {
        let mut most = now;
        while next < changes.len() && changes[next].0 < (second as u64 + 1) * SECOND {
            now += changes[next].1;
            most = most.max(now);
            next += 1;
        }
        *bin = u64::try_from(most).unwrap_or(0);
    }
    bins
}
