//! The report sections of an experiment, held against what its cells can have.

use evidence::record::{LoadRecord, Section, SectionKind};
use serde_json::Value;

use super::{Experiment, metric};

/// Refuses a section that would show nothing: of something that the experiment does not have, or without a metric.
pub(super) fn check(section: &Section, experiment: &Experiment, prototype: &Value) -> Result<(), String> {
    if section.title.trim().is_empty() {
        return Err("a section needs a `title`".to_owned());
    }
    let metrics = section.metrics.len();
    match section.kind {
        SectionKind::Table if metrics == 0 => return Err("a table needs `metrics`".to_owned()),
        SectionKind::Matrix if metrics != 1 => return Err("a matrix shows one of `metrics`".to_owned()),
        SectionKind::Hysteresis | SectionKind::Frontier | SectionKind::Ablation if metrics > 0 => {
            return Err("only tables and matrices take `metrics`".to_owned());
        }
        SectionKind::Hysteresis if !has_steps(experiment) => {
            return Err("without a load in steps there is no hysteresis to show".to_owned());
        }
        _ => {}
    }
    for path in &section.metrics {
        if path.starts_with("series.") {
            return Err(format!("the metric {path:?} is a series: charts show those"));
        }
        if metric::check_path(path, prototype).is_err() {
            metric::check_text_path(path, prototype)?;
        }
    }
    let designs: Vec<_> = experiment.designs.iter().map(|design| design.name().to_owned()).collect();
    let faults: Vec<_> = experiment.faults.iter().map(|fault| fault.name().to_owned()).collect();
    has("design", &section.designs, &designs)?;
    has("load", &section.loads, &experiment.load.names())?;
    has("fault", &section.faults, &faults)?;
    match (section.kind, &section.reference) {
        (SectionKind::Ablation, Some(reference)) => has("design", std::slice::from_ref(reference), &designs),
        (SectionKind::Ablation, None) => Err("an ablation needs its `reference`, a design".to_owned()),
        (_, Some(_)) => Err("only an ablation has a `reference`".to_owned()),
        (_, None) => Ok(()),
    }
}

fn has_steps(experiment: &Experiment) -> bool {
    experiment.load.loads.iter().any(|named| matches!(named.load.record(), LoadRecord::Steps { .. }))
}

fn has(what: &str, named: &[String], known: &[String]) -> Result<(), String> {
    match named.iter().find(|name| !known.contains(name)) {
        None => Ok(()),
        Some(name) if known.is_empty() => {
            Err(format!("the section speaks of the {what} {name}, but the experiment's have no names"))
        }
        Some(name) => {
            let known = known.join(", ");
            Err(format!("the section speaks of the {what} {name}, but the experiment has only {known}"))
        }
    }
}
