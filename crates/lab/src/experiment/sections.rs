//! The report sections of an experiment, held against what its cells can have.

use evidence::record::{Expected, LoadRecord, Section, SectionKind};
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
        SectionKind::Table | SectionKind::Matrix => {}
        _ if metrics > 0 => {
            return Err("only tables and matrices take `metrics`".to_owned());
        }
        SectionKind::Hysteresis if !has_steps(experiment) => {
            return Err("without a load in steps there is no hysteresis to show".to_owned());
        }
        _ => {}
    }
    only_its_own(section)?;
    for path in &section.metrics {
        if metric::check_path(path, prototype).is_err() {
            metric::check_text_path(path, prototype)?;
        }
    }
    for expected in &section.expected {
        check_expected(expected, experiment, prototype)?;
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

/// Refuses what another kind takes, and a table of what was expected without anything expected.
fn only_its_own(section: &Section) -> Result<(), String> {
    let kind = section.kind;
    if section.of.is_some() && kind != SectionKind::Histogram {
        return Err("only a histogram is `of` something".to_owned());
    }
    let business = section.order_value.is_some() || section.sales_per_year.is_some();
    if business && kind != SectionKind::Business {
        return Err(
            "only a section of the kind `business` takes `order_value` and `sales_per_year`".to_owned()
        );
    }
    match (kind, section.expected.is_empty()) {
        (SectionKind::Expected, true) => Err("a table of what was expected needs `expected`".to_owned()),
        (SectionKind::Expected, false) | (_, true) => Ok(()),
        (_, false) => Err("only a section of the kind `expected` takes `expected`".to_owned()),
    }
}

/// Refuses an expected number of something that the experiment's cells do not have.
fn check_expected(expected: &Expected, experiment: &Experiment, prototype: &Value) -> Result<(), String> {
    if expected.what.trim().is_empty() {
        return Err("what was expected needs a `what`, in words".to_owned());
    }
    if !expected.value.is_finite() {
        return Err(format!("{:?} was expected to be {}, which is no number", expected.what, expected.value));
    }
    metric::check_path(&expected.metric, prototype)?;
    has("load", expected.load.as_slice(), &experiment.load.names())
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
