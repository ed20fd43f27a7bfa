//! A cell that has everything a cell can have: what the path of a metric is checked against before anything runs.
//!
//! The parts that every cell has are assessed from an experiment in which nothing happened. Those that only
//! some cells have are added by their known names: a fault's window and phases, a bound for each gauge.

use std::collections::BTreeMap;

use evidence::{
    CellMeta, assess,
    facts::{Facts, ServiceGauges},
    record::Series,
};
use platform::{ServiceKind, ServiceState};
use serde_json::Value;

use super::Experiment;

/// Everything that a cell of the experiment can have, as JSON. Series have no elements.
pub(super) fn prototype(experiment: &Experiment) -> Value {
    let load = experiment.load.loads.first().expect("an experiment without a load is refused").record();
    let meta = CellMeta { design: String::new(), fault: String::new(), seed: 0, load, capacity_per_s: 0.0 };
    let facts = Facts {
        services: ServiceKind::ALL.map(|kind| (kind.name().to_owned(), gauges(kind))).into(),
        fault_window_us: Some((0, 1)),
        load_end_us: 1,
        ended_us: 1,
        ..Facts::default()
    };
    let mut cell = assess(meta, &facts);
    let per_second = |gauges: ServiceGauges| gauges.max.into_keys().map(|gauge| (gauge, vec![])).collect();
    let services: BTreeMap<_, _> =
        ServiceKind::ALL.map(|kind| (kind.name().to_owned(), per_second(gauges(kind)))).into();
    cell.series = Series { services, ..Series::default() };
    serde_json::to_value(cell).expect("a cell has text keys only")
}

/// Every gauge that the service has, each with a bound.
fn gauges(kind: ServiceKind) -> ServiceGauges {
    let state = ServiceState::new(kind);
    let each: BTreeMap<_, _> =
        state.telemetry().gauges().keys().map(|gauge| ((*gauge).to_owned(), 0)).collect();
    ServiceGauges { max: each.clone(), bounds: each, per_second: BTreeMap::new() }
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
