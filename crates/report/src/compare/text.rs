//! A comparison as text: only what changed, cell by cell, and a tally at the end.

use std::fmt::Write;

use super::{CellName, Comparison, Pair, Trend, metrics};
use crate::format;
use crate::terminal::{Column, Field, WIDTH, render};
use crate::words::{self, Tone};

const COLUMNS: [Column; 5] = [
    Column::left("what", Column::ALWAYS),
    Column::right("A", Column::ALWAYS),
    Column::right("B", Column::ALWAYS),
    Column::right("change", 2),
    Column::left("B is", 3),
];

impl Comparison {
    /// The comparison for a terminal of this width (120 when unknown): metrics that changed, with both values,
    /// the change, and whether B is better or worse.
    #[must_use]
    pub fn text(&self, width: Option<u16>, colour: bool) -> String {
        let width = width.unwrap_or(WIDTH);
        let mut text = format!("A  {}\nB  {}\n", self.side(0), self.side(1));
        if self.across_seeds.is_some() {
            text.push_str("The seeds differ, so part of each change is chance.\n");
        }
        let seeds = self.pairs.iter().any(|pair| pair.cell.seed != self.pairs[0].cell.seed);
        let mut unchanged = 0_u64;
        for pair in &self.pairs {
            let groups = [lines(pair)];
            if groups[0].is_empty() {
                unchanged += 1;
                continue;
            }
            let _ = writeln!(text, "\n{}", self.title(&pair.cell, seeds));
            text.push_str(&render(&COLUMNS, &groups, width, colour));
        }
        text.push('\n');
        for (side, cells) in [("A", &self.only_in_a), ("B", &self.only_in_b)] {
            for cell in cells {
                let _ = writeln!(text, "only in {side}: {}, {}", cell.design, title(cell, true));
            }
        }
        text.push_str(&self.tally(unchanged));
        text
    }

    fn side(&self, side: usize) -> String {
        let name = [&self.a, &self.b][side];
        let design = self.across_designs.as_ref().map(|designs| designs[side].clone());
        let seed = self.across_seeds.map(|seeds| format!("seed {}", seeds[side]));
        let what: Vec<String> = design.into_iter().chain(seed).collect();
        if what.is_empty() { name.clone() } else { format!("{name} ({})", what.join(", ")) }
    }

    fn title(&self, cell: &CellName, seeds: bool) -> String {
        let title = title(cell, seeds);
        if self.across_designs.is_some() {
            words::capital(&title)
        } else {
            format!("{}, {title}", cell.design)
        }
    }

    fn tally(&self, unchanged: u64) -> String {
        let count = |trend: Trend| {
            let changes = self.pairs.iter().flat_map(|pair| &pair.changes);
            format::count(changes.filter(|change| change.trend == trend).count() as u64)
        };
        let cells = format::counted(self.pairs.len() as u64, "cell", "cells");
        if self.pairs.is_empty() {
            return "no cell is in both records\n".to_owned();
        }
        if unchanged == self.pairs.len() as u64 {
            return format!("{cells} compared: nothing changed by more than 1 %\n");
        }
        let (better, worse, unchanged) =
            (count(Trend::Better), count(Trend::Worse), format::count(unchanged));
        format!("{cells} compared: {better} metrics better, {worse} worse; {unchanged} without a change\n")
    }
}

fn title(cell: &CellName, seeds: bool) -> String {
    let seed = if seeds { format!(", seed {}", cell.seed) } else { String::new() };
    format!("{} at {}{seed}", words::under(&cell.fault), format::load(&cell.load))
}

fn lines(pair: &Pair) -> Vec<Vec<Field>> {
    let changed = pair.changes.iter().filter(|change| change.trend != Trend::Same);
    changed
        .map(|change| {
            let trend = match change.trend {
                Trend::Better => Field::toned("better".to_owned(), Tone::Good),
                Trend::Worse => Field::toned("worse".to_owned(), Tone::Bad),
                Trend::Same | Trend::Different => Field::plain(String::new()),
            };
            let [a, b] = [change.a, change.b].map(|side| Field::plain(metrics::value(change, side)));
            let words = Field::plain(metrics::words(change).to_owned());
            vec![words, a, b, Field::plain(metrics::difference(change)), trend]
        })
        .collect()
}
