//! The same cell over several seeds: how far chance moves its numbers.
//!
//! A lesson that holds for one seed may be luck. Cells of the same design, load and fault are grouped, and of
//! each main metric the least, the middle and the greatest value are kept. A value that is not defined (null)
//! takes no part in these, but is counted, because null often is the finding: it never recovered.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::record::{Cell, LoadRecord};
use crate::rounding;

/// One design under one load and one fault, over all its seeds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Spread {
    /// The design's name.
    pub design: String,
    /// The fault's name.
    pub fault: String,
    /// The load.
    pub load: LoadRecord,
    /// The seeds, in the order of the cells.
    pub seeds: Vec<u64>,
    /// Each metric by its path in a cell: `goodput_ratio`, `latency_ms.p99`, `ledger.lost`, …
    pub metrics: BTreeMap<String, Range>,
}

/// A metric over several seeds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Range {
    /// The least; null when no seed has a value.
    pub min: Option<f64>,
    /// The middle one, or the mean of the middle two.
    pub median: Option<f64>,
    /// The greatest.
    pub max: Option<f64>,
    /// How many seeds have no value (null).
    pub undefined: u64,
}

/// Groups cells over seeds, in the order in which each group first appears.
#[must_use]
pub fn spread(cells: &[Cell]) -> Vec<Spread> {
    let mut groups: Vec<Vec<&Cell>> = Vec::new();
    for cell in cells {
        let same = |group: &&mut Vec<&Cell>| {
            let first = group[0];
            (&first.design, &first.fault, &first.load) == (&cell.design, &cell.fault, &cell.load)
        };
        match groups.iter_mut().find(same) {
            Some(group) => group.push(cell),
            None => groups.push(vec![cell]),
        }
    }
    groups.into_iter().map(|group| spread_of(&group)).collect()
}

fn spread_of(group: &[&Cell]) -> Spread {
    let mut values: BTreeMap<&str, Vec<Option<f64>>> = BTreeMap::new();
    for cell in group {
        for (metric, value) in metrics(cell) {
            values.entry(metric).or_default().push(value);
        }
    }
    Spread {
        design: group[0].design.clone(),
        fault: group[0].fault.clone(),
        load: group[0].load.clone(),
        seeds: group.iter().map(|cell| cell.seed).collect(),
        metrics: values.into_iter().map(|(metric, values)| (metric.to_owned(), range(&values))).collect(),
    }
}

/// The metrics that are worth comparing over seeds.
fn metrics(cell: &Cell) -> [(&'static str, Option<f64>); 18] {
    let count = |count: u64| Some(count as f64);
    [
        ("success_ratio", cell.success_ratio),
        ("goodput_ratio", cell.goodput_ratio),
        ("goodput_per_s", Some(cell.goodput_per_s)),
        ("throughput_per_s", Some(cell.throughput_per_s)),
        ("latency_ms.p50", cell.latency_ms.p50),
        ("latency_ms.p99", cell.latency_ms.p99),
        ("attempts_per_order", cell.attempts_per_order),
        ("in_flight_max", count(cell.in_flight_max)),
        ("queue_depth_max", count(cell.queue_depth_max)),
        ("recovery_s", cell.recovery_s),
        ("detection_s", cell.detection_s),
        ("alerts_total", cell.alerts_total.and_then(count)),
        ("ledger.lost", count(cell.ledger.lost)),
        ("ledger.double_charged", count(cell.ledger.double_charged)),
        ("ledger.ghost_charged", count(cell.ledger.ghost_charged)),
        ("ledger.stuck", count(cell.ledger.stuck)),
        ("ledger.duplicate_notified", count(cell.ledger.duplicate_notified)),
        ("ledger.bounds_exceeded", count(cell.ledger.bounds_exceeded)),
    ]
}

fn range(values: &[Option<f64>]) -> Range {
    let mut defined: Vec<f64> = values.iter().flatten().copied().collect();
    defined.sort_by(f64::total_cmp);
    let middle = defined.len() / 2;
    let median = match defined.len() {
        0 => None,
        count if count % 2 == 1 => Some(defined[middle]),
        _ => Some(rounding::ratio(f64::midpoint(defined[middle - 1], defined[middle]))),
    };
    Range {
        min: defined.first().copied(),
        median,
        max: defined.last().copied(),
        undefined: (values.len() - defined.len()) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::facts::Facts;
    use crate::{CellMeta, assess};

    fn cell(design: &str, seed: u64, goodput_ratio: Option<f64>) -> Cell {
        let load = LoadRecord::Constant { rate_per_s: 100.0, duration_s: 20.0, spacing: "poisson".into() };
        let meta = CellMeta {
            design: design.into(),
            fault: "none".into(),
            seed,
            load,
            load_name: None,
            slo: crate::SLO,
            capacity_per_s: 152.0,
            detail: None,
        };
        Cell { goodput_ratio, ..assess(meta, &Facts::default()) }
    }

    #[test]
    fn groups_by_design_load_and_fault_and_not_by_seed() {
        let cells = [cell("v0.1.0", 1, Some(0.3)), cell("v0.2.0", 1, None), cell("v0.1.0", 2, Some(0.1))];
        let spreads = spread(&cells);
        let groups: Vec<_> =
            spreads.iter().map(|spread| (spread.design.as_str(), spread.seeds.as_slice())).collect();
        assert_eq!(groups, [("v0.1.0", &[1, 2][..]), ("v0.2.0", &[1][..])]);
        let ratio = spreads[0].metrics["goodput_ratio"];
        assert_eq!(ratio, Range { min: Some(0.1), median: Some(0.2), max: Some(0.3), undefined: 0 });
    }

    #[test]
    fn undefined_values_are_counted_and_nothing_else() {
        let range = range(&[Some(3.0), None, Some(1.0), Some(2.0), None]);
        assert_eq!(range, Range { min: Some(1.0), median: Some(2.0), max: Some(3.0), undefined: 2 });
        assert_eq!(super::range(&[None]), Range { undefined: 1, ..Range::default() });
    }
}
