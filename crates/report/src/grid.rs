//! A record's cells arranged as people compare them: by fault, then by load, the designs side by side.
//!
//! Everything keeps the order of its first appearance in the record, which is the experiment's own
//! order. A cell of a design that was not run under some fault and load is simply absent.

use evidence::record::{Cell, LoadRecord, Record};

use crate::format;

/// All cells of a record by fault, load and design.
#[derive(Debug)]
pub(crate) struct Grid<'a> {
    /// The designs' names.
    pub(crate) designs: Vec<&'a str>,
    /// The faults' names.
    pub(crate) faults: Vec<&'a str>,
    /// The loads with the names that tell them apart.
    pub(crate) loads: Vec<(&'a LoadRecord, String)>,
    /// The seeds; most records have one.
    pub(crate) seeds: Vec<u64>,
    /// The service level in seconds; an experiment has one.
    pub(crate) slo_s: f64,
    cells: &'a [Cell],
}

/// One fault under one load, and what each design made of it.
#[derive(Debug)]
pub(crate) struct Scene<'a> {
    /// The load's short name.
    pub(crate) load: String,
    /// The cells of the first seed, one per design that was run.
    pub(crate) cells: Vec<&'a Cell>,
}

impl<'a> Grid<'a> {
    /// Arranges the cells of a record.
    pub(crate) fn new(record: &'a Record) -> Self {
        let mut grid = Self {
            designs: Vec::new(),
            faults: Vec::new(),
            loads: Vec::new(),
            seeds: Vec::new(),
            slo_s: record.cells.first().map_or(evidence::SLO.as_secs_f64(), |cell| cell.slo_s),
            cells: &record.cells,
        };
        let mut loads: Vec<&LoadRecord> = Vec::new();
        for cell in &record.cells {
            remember(&mut grid.designs, cell.design.as_str());
            remember(&mut grid.faults, cell.fault.as_str());
            remember(&mut grid.seeds, cell.seed);
            remember(&mut loads, &cell.load);
        }
        let given = |load: &LoadRecord| {
            let cell = record.cells.iter().find(|cell| cell.load == *load)?;
            cell.load_name.clone()
        };
        let name = |load: &LoadRecord| given(load).unwrap_or_else(|| load_name(load, &loads));
        grid.loads = loads.iter().map(|load| (*load, name(load))).collect();
        grid
    }

    /// The cell of one design under one load and one fault, with the first seed that has it.
    pub(crate) fn cell(&self, design: &str, fault: &str, load: &LoadRecord) -> Option<&'a Cell> {
        self.cells.iter().find(|cell| cell.design == design && cell.fault == fault && cell.load == *load)
    }

    /// The cells of one design under one fault, one per load (first seed).
    pub(crate) fn across_loads(&self, design: &str, fault: &str) -> Vec<&'a Cell> {
        self.loads.iter().filter_map(|(load, _)| self.cell(design, fault, load)).collect()
    }

    /// All cells of all seeds, or those of one design under one fault: what is counted and not compared.
    pub(crate) fn all_cells(&self, of: Option<(&str, &str)>) -> Vec<&'a Cell> {
        let meant =
            |cell: &&Cell| of.is_none_or(|(design, fault)| cell.design == design && cell.fault == fault);
        self.cells.iter().filter(meant).collect()
    }

    /// The scenes of one fault, one per load.
    pub(crate) fn scenes(&self, fault: &'a str) -> Vec<Scene<'a>> {
        let scene = |(load, name): &(&'a LoadRecord, String)| Scene {
            load: name.clone(),
            cells: self.designs.iter().filter_map(|design| self.cell(design, fault, load)).collect(),
        };
        self.loads.iter().map(scene).filter(|scene| !scene.cells.is_empty()).collect()
    }

    /// The name of a load of this record.
    pub(crate) fn load_name(&self, load: &LoadRecord) -> String {
        let known = self.loads.iter().find(|(other, _)| *other == load);
        known.map_or_else(|| format::load_in_full(load), |(_, name)| name.clone())
    }
}

/// The short name, or the full one when another load has the same short name.
fn load_name(load: &LoadRecord, all: &[&LoadRecord]) -> String {
    let short = format::load(load);
    let alike = all.iter().filter(|other| format::load(other) == short).count();
    if alike > 1 { format::load_in_full(load) } else { short }
}

fn remember<T: PartialEq>(known: &mut Vec<T>, item: T) {
    if !known.contains(&item) {
        known.push(item);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn keeps_the_order_of_first_appearance() {
        let record = sample::record(vec![
            sample::cell("b", "none", 50.0),
            sample::cell("b", "blackout", 50.0),
            sample::cell("a", "none", 50.0),
            sample::cell("a", "none", 1_000.0),
        ]);
        let grid = Grid::new(&record);
        assert_eq!(grid.designs, ["b", "a"]);
        assert_eq!(grid.faults, ["none", "blackout"]);
        let names: Vec<&str> = grid.loads.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["50/s", "1000/s"]);
        assert_eq!(grid.scenes("blackout").len(), 1);
        assert_eq!(grid.scenes("none")[0].cells.len(), 2);
    }

    #[test]
    fn loads_that_differ_in_more_than_their_rate_are_named_in_full() {
        let mut other = sample::cell("a", "none", 50.0);
        other.load =
            LoadRecord::Constant { rate_per_s: 50.0, duration_s: 60.0, spacing: "poisson".to_owned() };
        let record = sample::record(vec![sample::cell("a", "none", 50.0), other]);
        let grid = Grid::new(&record);
        let names: Vec<&str> = grid.loads.iter().map(|(_, name)| name.as_str()).collect();
        assert_eq!(names, ["50/s for 20 s, even", "50/s for 60 s, poisson"]);
    }
}
