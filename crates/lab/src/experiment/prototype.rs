//! A cell that has everything a cell can have: what the path of a metric is checked against before anything runs.
//!
//! The parts that every cell has are assessed from an experiment in which nothing happened. Those that only
//! some cells have are added by their known names: a fault's window and phases, a bound for each gauge.

use std::collections::BTreeMap;

use evidence::{
    CellMeta, assess,
    facts::{Answer, Asked, Facts, ProcessUse, ServiceGauges},
    record::{LoadRecord, LoadStep, Series},
};
use platform::{
    ServiceKind, ServiceState,
    design::{Design, Process, Topology},
};
use serde_json::Value;

use super::{Experiment, NamedLoad};
use crate::{
    serve::BROKER,
    world::{groups, sim::detail},
};

/// Everything that a cell of the experiment can have, as JSON. Series have no elements.
pub(super) fn prototype(experiment: &Experiment) -> Value {
    let services = services(experiment);
    let cells = experiment.load.loads.iter().map(|load| of_load(load, experiment, &services));
    cells.reduce(merged).expect("an experiment without a load is refused")
}

/// Every service, as often as the design that has most of it.
fn services(experiment: &Experiment) -> Vec<(String, ServiceKind)> {
    let of_design = |design: &Design| {
        let services = design.topology.services().iter().copied();
        let named = |kind, replica| (Process { kind, replica }.part(kind), kind);
        let all =
            services.flat_map(|kind| (1..=design.replicas_of(kind)).map(move |replica| named(kind, replica)));
        all.collect::<Vec<_>>()
    };
    let all = experiment.designs.iter().flat_map(|design| of_design(&design.resolved.design));
    all.collect::<BTreeMap<_, _>>().into_iter().collect()
}

/// Everything that a cell under this load can have.
fn of_load(load: &NamedLoad, experiment: &Experiment, services: &[(String, ServiceKind)]) -> Value {
    let design = &experiment.designs[0].resolved.design;
    let detail = experiment.responses.then(|| detail(design, load));
    let is_event_driven =
        experiment.designs.iter().any(|design| design.resolved.design.topology == Topology::Events);
    let meta = CellMeta {
        design: String::new(),
        fault: String::new(),
        seed: 0,
        load: load.record(),
        load_name: load.name.clone(),
        slo: experiment.slo,
        capacity_per_s: 0.0,
        detail,
    };
    let mut gauges: BTreeMap<_, _> =
        services.iter().map(|(name, kind)| (name.clone(), gauges(*kind))).collect();
    gauges.extend(is_event_driven.then(|| (BROKER.to_owned(), lags())));
    let facts = Facts {
        processes: processes(gauges.keys()),
        services: gauges.clone(),
        background: is_event_driven.then(BTreeMap::new),
        high_priority: load.high_priority_share.map(|_| String::new()).into_iter().collect(),
        fault_window_us: Some((0, 1)),
        asked: late_in_each_step(&meta.load),
        capacity: vec![(0, 1.0)],
        load_end_us: 1,
        ended_us: 1,
        ..Facts::default()
    };
    let mut cell = assess(meta, &facts);
    let per_second = |gauges: ServiceGauges| gauges.max.into_keys().map(|gauge| (gauge, vec![])).collect();
    let services: BTreeMap<_, _> =
        gauges.into_iter().map(|(name, gauges)| (name, per_second(gauges))).collect();
    cell.series = Series { services, ..Series::default() };
    serde_json::to_value(cell).expect("a cell has text keys only")
}

/// One order late in each step: whether a load in steps has a verdict shows only where something was possible.
fn late_in_each_step(load: &LoadRecord) -> Vec<Asked> {
    let LoadRecord::Steps { steps, .. } = load else { return Vec::new() };
    let mut end_s = 0.0;
    let late = |step: &LoadStep| {
        end_s += step.duration_s;
        let at_us = ((end_s - step.duration_s / 4.0) * 1e6) as u64;
        let order = String::new();
        Asked { order, intended_us: at_us, sent_us: None, done_us: at_us, answer: Answer::NotSent }
    };
    steps.iter().map(late).collect()
}

/// What either has.
fn merged(one: Value, other: Value) -> Value {
    match (one, other) {
        (Value::Object(mut one), Value::Object(other)) => {
            for (key, member) in other {
                let both = match one.remove(&key) {
                    Some(mine) => merged(mine, member),
                    None => member,
                };
                one.insert(key, both);
            }
            Value::Object(one)
        }
        (Value::Array(one), Value::Array(other)) if one.len() < other.len() => Value::Array(other),
        (Value::Null, other) => other,
        (one, _) => one,
    }
}

/// Every process that a real cell has: its services, its broker and the load generator.
fn processes<'a>(names: impl Iterator<Item = &'a String>) -> BTreeMap<String, ProcessUse> {
    let all = names.cloned().chain([crate::world::local::DRIVER.to_owned()]);
    all.map(|name| (name, ProcessUse::default())).collect()
}

/// Every gauge that the service has, each with a bound.
fn gauges(kind: ServiceKind) -> ServiceGauges {
    let state = ServiceState::new(kind);
    let each: BTreeMap<_, _> =
        state.telemetry().gauges().keys().map(|gauge| ((*gauge).to_owned(), 0)).collect();
    ServiceGauges { max: each.clone(), bounds: each, per_second: BTreeMap::new() }
}

/// What is known of a broker: how far each group of consumers is behind.
fn lags() -> ServiceGauges {
    let all = platform::EVENT_GROUPS.into_iter().map(|(topic, group)| (groups::lag(topic, group), 0));
    ServiceGauges { max: all.collect(), ..ServiceGauges::default() }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        experiment::metric::check_path,
        runner::{RunOptions, Silent, run},
    };

    /// The paths of all numbers and nulls.
    fn leaves(value: &Value, path: &str, into: &mut Vec<String>) {
        let below = |key: &str| if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") };
        match value {
            Value::Object(members) => {
                members.iter().for_each(|(key, member)| leaves(member, &below(key), into));
            }
            Value::Array(elements) => elements
                .iter()
                .enumerate()
                .for_each(|(index, element)| leaves(element, &below(&index.to_string()), into)),
            Value::Number(_) | Value::Null => into.push(path.to_owned()),
            Value::String(_) | Value::Bool(_) => {}
        }
    }

    #[test]
    fn every_number_of_a_real_cell_is_known() {
        let ladder = Experiment::ladder();
        let prototype = prototype(&ladder);
        let options = RunOptions {
            rates: Some(vec![500.0]),
            duration: Some(Duration::from_secs(12)),
            designs: Some(vec!["v0.3.0".to_owned()]),
            faults: Some(vec!["blackout".to_owned()]),
            ..RunOptions::default()
        };
        let record = run(&ladder, &options, &Silent).expect("a record");
        let cell = serde_json::to_value(&record.cells[0]).expect("a cell is JSON");
        let mut paths = Vec::new();
        leaves(&cell, "", &mut paths);
        assert!(paths.iter().any(|path| path == "phases.during.latency_ms.p50"));
        assert!(paths.iter().any(|path| path == "services.order-processor.bounds.queue_depth"));
        assert!(paths.iter().any(|path| path.starts_with("series.errors.")), "somebody was refused");
        for path in paths {
            assert_eq!(check_path(&path, &prototype), Ok(()), "{path}");
        }
    }
}
