//! One fault under one load: what happened to each design, its charts, and its numbers.

use evidence::record::{Cell, LoadRecord, Record};
use maud::{Markup, html};

use super::data::scene_id;
use super::matrix::chip;
use super::{alerts, tables, waterfall};
use crate::format;
use crate::grid::Grid;
use crate::words::{self, Story, Tone};

/// Where a scene stands in the grid.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Place {
    pub(super) fault: usize,
    pub(super) load: usize,
}

/// A kind of chart: its name for the script, its title, and how to read it.
const CHARTS: [(&str, &str, &str); 5] = [
    (
        "latency",
        "Latency of successes",
        "By the second in which they were meant to be sent. Solid: half are quicker; dotted: 99 % are. Dashed: the \
         limit beyond which a success no longer counts as goodput. No line: no success.",
    ),
    (
        "goodput",
        "Asked for, possible and done in time",
        "Orders per second. Filled: goodput; thin line: all successes, however late; grey: asked for; dashed: what \
         payment could do.",
    ),
    (
        "load",
        "In flight and in the queue",
        "Most within each second, on a logarithmic scale. Solid: orders in work at order-api; dotted: the longest queue.",
    ),
    (
        BACKLOG,
        "Accepted and not done, and who works on it",
        "Most within each second, on a logarithmic scale. Solid: orders that were accepted and are in no final state; \
         dotted: workers of order-processor.",
    ),
    ("errors", "Answers that were no success", "Per second, by the time of the answer, stacked by kind."),
];

/// The chart that only orders have that were accepted first.
const BACKLOG: &str = "backlog";

/// A scene, folded unless it is the featured one; nothing when no design was run in it.
pub(super) fn scene(record: &Record, grid: &Grid<'_>, place: Place, load: &LoadRecord, open: bool) -> Markup {
    let fault = grid.faults[place.fault];
    let cells: Vec<(usize, &Cell)> = (0..grid.designs.len())
        .filter_map(|design| Some((design, grid.cell(grid.designs[design], fault, load)?)))
        .collect();
    let is_accepted_first = cells.iter().any(|(_, cell)| cell.background.is_some());
    let charts = CHARTS.iter().filter(|(kind, ..)| is_accepted_first || *kind != BACKLOG);
    let (id, name) = (scene_id(place.fault, place.load), &grid.loads[place.load].1);
    html! {
        @if !cells.is_empty() {
            details.scene id=(id) open[open] {
                summary {
                    h3 { (name) }
                    @for (design, cell) in &cells {
                        span.brief {
                            (chip(*design)) (cell.design) " "
                            strong { (format::percent(cell.goodput_ratio)) }
                        }
                    }
                }
                ul.stories {
                    @for (design, cell) in &cells { (story(grid, *design, &words::story_of(grid, cell))) }
                }
                p.soft {
                    @if cells.iter().any(|(_, cell)| cell.fault_window_s.is_some()) { "Shaded: the fault. " }
                    @if cells.iter().any(|(_, cell)| !cell.alerts.is_empty()) {
                        "▲ on the time axis: an alert of the platform's own; with a line, it names latency or the dependency. "
                    }
                    "Vertical line: the load ends. All charts of a row have the same axes; drag to zoom, double-click to go back."
                }
                @for (kind, title, reading) in charts {
                    @let label = format!("{title} over time, {} at {name}, one chart per design", words::under(fault));
                    figure {
                        figcaption { strong { (title) } " " span { (reading) } }
                        div.chart data-scene=(id) data-kind=(kind) role="img" aria-label=(label) {
                            noscript { "The charts need JavaScript; the numbers are in the table below." }
                        }
                    }
                }
                (tables::numbers(&cells))
                (alerts::alerts(&cells))
                (waterfall::waterfalls(&cells))
                p.replay { "Run only this again: " code { (replay(record, Some((fault, load)))) } }
            }
        }
    }
}

/// A design's story with its notes.
pub(super) fn story(grid: &Grid<'_>, design: usize, story: &Story) -> Markup {
    let (class, word) = match story.tone {
        Tone::Good => ("good", "held"),
        Tone::Mixed => ("mixed", "suffered"),
        Tone::Bad => ("bad", "broke"),
    };
    html! {
        li class=(class) {
            h4 { (chip(design)) (grid.designs[design]) span.tone { (word) } }
            p { (story.text(0)) }
            @if !story.notes.is_empty() {
                ul { @for note in &story.notes { li { (words::sentence(note)) } } }
            }
        }
    }
}

/// The command that runs the record, or one scene of it, again; into a folder of its own, so that the
/// record it came from stays as it is.
pub(super) fn replay(record: &Record, scene: Option<(&str, &LoadRecord)>) -> String {
    let what = if record.experiment == "ladder" { "ladder" } else { "run EXPERIMENT.toml" };
    let mut command = format!("cargo run --release -- {what} --seed {}", record.seed);
    if record.world != "sim" {
        command.push_str(&format!(" --world {}", word(&record.world)));
    }
    if let Some((fault, load)) = scene {
        command.push_str(&format!(" --faults {}", word(fault)));
        let cell = record.cells.iter().find(|cell| cell.load == *load);
        if let Some(name) = cell.and_then(|cell| cell.load_name.as_ref()) {
            command.push_str(&format!(" --loads {}", word(name)));
        } else if let LoadRecord::Constant { rate_per_s, .. } = load {
            command.push_str(&format!(" --rates {}", format::number(*rate_per_s)));
        }
        let seconds = format::load_duration_s(load);
        let whole = seconds.fract() == 0.0;
        let duration = if whole { format!("{seconds:.0}s") } else { format!("{:.0}ms", seconds * 1_000.0) };
        command.push_str(&format!(" --duration {duration}"));
    }
    command.push_str(" --out out/replay");
    command
}

/// A word that a shell leaves as it is: a record from elsewhere must not smuggle in a command.
fn word(text: &str) -> String {
    let plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    format!("'{}'", text.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sample;

    #[test]
    fn a_replay_names_everything_that_differs_from_the_whole() {
        let mut record = sample::record(vec![sample::cell("a", "none", 50.0)]);
        assert_eq!(replay(&record, None), "cargo run --release -- ladder --seed 1 --out out/replay");
        let load =
            LoadRecord::Ramp { from_per_s: 1.0, to_per_s: 9.0, duration_s: 2.5, spacing: "even".to_owned() };
        (record.experiment, record.world) = ("mine".to_owned(), "local".to_owned());
        assert_eq!(
            replay(&record, Some(("it's; rm -r /", &load))),
            r"cargo run --release -- run EXPERIMENT.toml --seed 1 --world local --faults 'it'\''s; rm -r /' --duration 2500ms --out out/replay"
        );
        assert_eq!(
            replay(&record, Some(("none", &record.cells[0].load))),
            "cargo run --release -- run EXPERIMENT.toml --seed 1 --world local --faults none --rates 50 --duration 20s --out out/replay"
        );
    }
}
