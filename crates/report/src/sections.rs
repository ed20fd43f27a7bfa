//! The sections that an experiment asks for beside the tables of every report: computed once as a [`Sheet`], then
//! drawn in the terminal and on the page.
//!
//! With several seeds a number is the mean over them; one that a seed does not have is not there.

mod ablation;
mod business;
mod capacity;
mod expected;
mod frontier;
mod histogram;
mod hysteresis;
pub(crate) mod metric;
mod numbers;
mod spots;
mod summary;
mod tables;
mod terminal;
#[cfg(test)]
mod tests;

use evidence::record::{Record, Section, SectionKind};

use crate::grid::Grid;
use crate::words::Tone;
pub(crate) use frontier::Points;
pub(crate) use histogram::Bars;
pub(crate) use hysteresis::Course;
pub(crate) use numbers::Number;
use numbers::Numbers;
pub(crate) use terminal::text;

/// A section as it is shown: a table with words around it, and what is drawn where drawing is possible.
#[derive(Debug, Default, PartialEq)]
pub(crate) struct Sheet {
    pub(crate) title: String,
    /// What to look at.
    pub(crate) text: String,
    /// The headings; the first column is of words.
    pub(crate) heads: Vec<String>,
    /// Lines in groups that belong together; each line has a field for each heading.
    pub(crate) groups: Vec<Vec<Vec<Entry>>>,
    /// What came out, in words, a line each.
    pub(crate) findings: Vec<String>,
    /// What is drawn of it.
    pub(crate) drawing: Option<Drawing>,
    /// Whether the table only repeats what is drawn: where there is a drawing, it is opened on demand.
    pub(crate) folded: bool,
    /// Numbers to begin with.
    pub(crate) tiles: Vec<Tile>,
    /// Sentences under headings.
    pub(crate) prose: Vec<(String, Vec<String>)>,
}

/// A number that stands by itself.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Tile {
    pub(crate) value: String,
    /// What it is a number of.
    pub(crate) label: String,
    pub(crate) tone: Tone,
}

/// What stands in one field.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Entry {
    pub(crate) text: String,
    pub(crate) tone: Option<Tone>,
}

/// What is drawn of a section.
#[derive(Debug, PartialEq)]
pub(crate) enum Drawing {
    /// Goodput against the load, step by step.
    Hysteresis(Vec<Course>),
    /// Latency against goodput.
    Frontier(Vec<Points>),
    /// Histograms.
    Bars(Vec<Bars>),
}

impl Entry {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self { text: text.into(), tone: None }
    }

    fn toned(text: impl Into<String>, tone: Tone) -> Self {
        Self { text: text.into(), tone: Some(tone) }
    }
}

/// What a section is made from.
struct Source<'a> {
    grid: &'a Grid<'a>,
    numbers: &'a Numbers,
    section: &'a Section,
}

/// Every section of the record that has anything to show.
pub(crate) fn sheets(record: &Record, grid: &Grid<'_>) -> Vec<Sheet> {
    let numbers = Numbers::of(record);
    let sheet = |section: &Section| {
        let source = Source { grid, numbers: &numbers, section };
        let sheet = match section.kind {
            SectionKind::Table => tables::table(&source),
            SectionKind::Matrix => tables::matrix(&source),
            SectionKind::Hysteresis => hysteresis::sheet(&source),
            SectionKind::Frontier => frontier::sheet(&source),
            SectionKind::Ablation => ablation::sheet(&source),
            SectionKind::Histogram => histogram::sheet(&source),
            SectionKind::Capacity => capacity::sheet(&source),
            SectionKind::Business => business::sheet(&source),
            SectionKind::Expected => expected::sheet(&source),
            SectionKind::Summary => summary::sheet(&source, record),
        };
        (!sheet.groups.is_empty() || !sheet.prose.is_empty()).then_some(sheet)
    };
    record.sections.iter().filter_map(sheet).collect()
}

impl<'a> Source<'a> {
    fn sheet(&self, heads: Vec<String>, groups: Vec<Vec<Vec<Entry>>>) -> Sheet {
        let groups = groups.into_iter().filter(|group| !group.is_empty()).collect();
        let Section { title, text, .. } = self.section.clone();
        Sheet {
            title,
            text,
            heads,
            groups,
            findings: Vec::new(),
            drawing: None,
            folded: false,
            tiles: Vec::new(),
            prose: Vec::new(),
        }
    }

    fn designs(&self) -> Vec<&'a str> {
        chosen(&self.grid.designs, &self.section.designs)
    }

    fn faults(&self) -> Vec<&'a str> {
        chosen(&self.grid.faults, &self.section.faults)
    }

    /// The loads, each with its place in the grid.
    fn loads(&self) -> Vec<(usize, &'a str)> {
        let names = self.grid.loads.iter().map(|(_, name)| name.as_str()).enumerate();
        let wanted = &self.section.loads;
        names.filter(|(_, name)| wanted.is_empty() || wanted.iter().any(|other| other == name)).collect()
    }

    /// Where a cell is: the fault and the load as far as they tell cells apart.
    fn place(&self, fault: &str, load: &str) -> String {
        match (self.faults().len() > 1, self.loads().len() > 1) {
            (true, true) => format!("{load}, {}", crate::words::under(fault)),
            (true, false) => crate::words::under(fault),
            (false, _) => load.to_owned(),
        }
    }
}

fn chosen<'a>(all: &[&'a str], wanted: &[String]) -> Vec<&'a str> {
    all.iter().copied().filter(|name| wanted.is_empty() || wanted.iter().any(|other| other == name)).collect()
}
