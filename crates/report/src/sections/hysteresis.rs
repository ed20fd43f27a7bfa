//! Hysteresis: the same load, and not the same goodput, on the way up and on the way down.

use evidence::record::{Cell, Metastability, Stability};
use serde::Serialize;

use super::{Drawing, Entry, Sheet, Source};
use crate::format;
use crate::words::Tone;

/// One design's way through the steps.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub(crate) struct Course {
    pub(crate) design: String,
    /// Its place among the report's designs: its colour.
    pub(crate) index: usize,
    pub(crate) capacity_per_s: f64,
    /// Orders per second of each step.
    pub(crate) offered: Vec<f64>,
    /// Goodput per second of each step.
    pub(crate) goodput: Vec<f64>,
    /// All successes per second of each step.
    pub(crate) throughput: Vec<f64>,
    /// The verdict in a word.
    pub(crate) verdict: String,
}

/// A line for each step, the designs side by side; the verdict of each in words.
pub(super) fn sheet(source: &Source<'_>) -> Sheet {
    let mut heads = vec!["step".to_owned()];
    let mut lines: Vec<Vec<Entry>> = Vec::new();
    let (mut findings, mut courses) = (Vec::new(), Vec::new());
    for (fault, load) in
        source.faults().iter().flat_map(|fault| source.loads().into_iter().map(move |load| (*fault, load)))
    {
        let record = source.grid.loads[load.0].0;
        for design in source.designs() {
            let Some(cell) = source.grid.cell(design, fault, record).filter(|cell| !cell.steps.is_empty())
            else {
                continue;
            };
            let index = source.grid.designs.iter().position(|name| *name == design).unwrap_or(0);
            let several = source.loads().len() * source.faults().len() > 1;
            let name = if several {
                format!("{design} ({})", source.place(fault, load.1))
            } else {
                design.to_owned()
            };
            column(cell, &mut lines);
            findings.push(finding(&name, cell));
            courses.push(course(name.clone(), index, cell));
            heads.push(name);
        }
    }
    // A shorter course leaves its last lines empty.
    lines.iter_mut().for_each(|line| line.resize(heads.len(), Entry::plain("")));
    let mut sheet = source.sheet(heads, vec![lines]);
    sheet.findings = findings;
    sheet.drawing = (!courses.is_empty()).then_some(Drawing::Hysteresis(courses));
    sheet
}

/// Adds a column of goodput, one field for each step.
fn column(cell: &Cell, lines: &mut Vec<Vec<Entry>>) {
    let before = lines.first().map_or(1, Vec::len);
    for (index, step) in cell.steps.iter().enumerate() {
        if lines.len() <= index {
            let name = format!(
                "{}: {}/s, {} to {} s",
                index + 1,
                format::number(step.rate_per_s),
                format::number(step.from_s),
                format::number(step.to_s)
            );
            let mut line = vec![Entry::plain(name)];
            line.resize(before, Entry::plain(""));
            lines.push(line);
        }
        let tone = match step.goodput_ratio {
            Some(ratio) if ratio < 0.5 => Tone::Bad,
            Some(ratio) if ratio < 0.85 => Tone::Mixed,
            _ => Tone::Good,
        };
        let share = format::percent(step.goodput_ratio);
        lines[index]
            .push(Entry::toned(format!("{}/s ({share})", format::number(step.goodput_per_s.round())), tone));
    }
}

fn course(design: String, index: usize, cell: &Cell) -> Course {
    let steps = &cell.steps;
    let verdict = cell.metastability.as_ref().map_or("", |judged| word(judged.verdict));
    Course {
        design,
        index,
        capacity_per_s: cell.capacity_per_s,
        offered: steps.iter().map(|step| step.rate_per_s).collect(),
        goodput: steps.iter().map(|step| step.goodput_per_s).collect(),
        throughput: steps.iter().map(|step| step.throughput_per_s).collect(),
        verdict: verdict.to_owned(),
    }
}

const fn word(verdict: Stability) -> &'static str {
    match verdict {
        Stability::Recovered => "recovered",
        Stability::Draining => "draining",
        Stability::Metastable => "metastable",
    }
}

fn finding(name: &str, cell: &Cell) -> String {
    let Some(judged) = &cell.metastability else { return format!("{name}: the load does not come back") };
    let Metastability { base_per_s, goodput_before_per_s, goodput_after_per_s, .. } = judged;
    let [base, before, after] =
        [*base_per_s, goodput_before_per_s.round(), goodput_after_per_s.round()].map(format::number);
    let mut text = format!(
        "{name} is {}: at {base}/s goodput was {before}/s before the peak and {after}/s after it",
        word(judged.verdict)
    );
    if judged.verdict != Stability::Recovered {
        let throughput = format::number(judged.throughput_after_per_s.round());
        let [from, to] = judged.backlog_after.map(format::count);
        text.push_str(&format!(" (all successes: {throughput}/s; backlog {from} → {to})"));
        let calls = judged
            .calls_per_order_after
            .map_or_else(String::new, |calls| format!("; {} payment calls per order", format::number(calls)));
        text.push_str(&calls);
        text.push_str(&match judged.recovered_at_per_s {
            Some(rate) => format!("; it came back at {}/s", format::number(rate)),
            None => "; it never came back".to_owned(),
        });
    }
    text
}
