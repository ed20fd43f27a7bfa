//! One HTML file that says it all, opens without a network, and can be mailed around.
//!
//! The script that draws (plotly) is in the file, once, and is not CDN-loaded; a content security policy forbids
//! the page to fetch anything. Text is written by `maud`, which escapes whatever comes from the record. The
//! numbers behind the charts are in the page once, as JSON; a section's charts are drawn when it is opened,
//! so that the page loads fast however many cells there are. Without JavaScript all words and tables remain.

mod alerts;
mod data;
mod matrix;
mod scene;
mod sections;
mod tables;
#[cfg(test)]
mod tests;
mod waterfall;

use evidence::Verdict;
use evidence::record::Record;
use maud::{DOCTYPE, Markup, PreEscaped, html as markup};

use crate::beside;
use crate::format;
use crate::grid::Grid;
use crate::sections::Sheet;
use crate::terminal::fault_title;
use crate::words;

pub(crate) const STYLE: &str = include_str!("html/style.css");
const SCRIPT: &str = include_str!("html/page.js");

/// Nothing is fetched from anywhere: what the page needs is in it.
pub(crate) const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data: blob:";

/// The record as one self-contained page. `verdicts` may be empty: then nothing was expected of the run.
#[must_use]
pub fn html(record: &Record, verdicts: &[Verdict]) -> String {
    html_beside(record, verdicts, None)
}

/// The same for a record of real processes, with a section that puts it beside the same cells simulated.
#[must_use]
pub fn html_beside(record: &Record, verdicts: &[Verdict], simulated: Option<&Record>) -> String {
    let grid = Grid::new(record);
    let mut sheets = crate::sections::sheets(record, &grid);
    sheets.extend(crate::background::sheets(record, &grid));
    sheets.extend(simulated.and_then(|simulated| beside::sheet(record, simulated)));
    sheets.extend(simulated.and_then(|simulated| beside::done(record, simulated)));
    sheets.extend(beside::processes(record));
    let page = Page { record, grid: &grid, verdicts, sheets: &sheets };
    page.document().into_string()
}

/// What every part of the page is made from.
struct Page<'a> {
    record: &'a Record,
    grid: &'a Grid<'a>,
    verdicts: &'a [Verdict],
    sheets: &'a [Sheet],
}

impl Page<'_> {
    fn document(&self) -> Markup {
        let title = format!("Failfirst: {}, seed {}", self.record.experiment, self.record.seed);
        markup! {
            (DOCTYPE)
            html lang="en" {
                head {
                    meta charset="utf-8";
                    meta name="viewport" content="width=device-width, initial-scale=1";
                    meta name="color-scheme" content="light dark";
                    meta http-equiv="Content-Security-Policy" content=(POLICY);
                    title { (title) }
                    style { (PreEscaped(STYLE)) }
                }
                body {
                    a.skip href="#summary" { "Skip to the summary" }
                    (self.header())
                    (self.navigation())
                    main {
                        (sections::first(self.sheets))
                        (self.summary())
                        (sections::others(self.sheets))
                        @for (i, fault) in self.grid.faults.iter().enumerate() { (self.fault(i, fault)) }
                        (tables::ledger(self.grid))
                        (tables::spread(self.record, self.grid))
                        (tables::expectations(self.record, self.grid, self.verdicts))
                    }
                    (self.footer())
                    script type="application/json" id="data" { (PreEscaped(data::json(self.grid))) }
                    (PreEscaped(plotly()))
                    script { (PreEscaped(SCRIPT)) }
                    (sections::script(self.sheets))
                }
            }
        }
    }

    fn header(&self) -> Markup {
        let grid = self.grid;
        let counts = [
            format::counted(grid.designs.len() as u64, "design", "designs"),
            format::counted(grid.loads.len() as u64, "load", "loads"),
            format::counted(grid.faults.len() as u64, "fault", "faults"),
        ];
        let seeds = match grid.seeds.as_slice() {
            [first, .., last] => format!("{} seeds ({first} to {last})", grid.seeds.len()),
            _ => format!("seed {}", self.record.seed),
        };
        let runs = format::counted(self.record.cells.len() as u64, "run", "runs");
        markup! {
            header {
                h1 { "Failfirst " span.experiment { (self.record.experiment) } }
                p.run {
                    (counts.join(" × ")) ", " (seeds) ", world " code { (self.record.world) } ": "
                    (runs) " in " (format::number(self.record.wall_s)) " s."
                }
            }
        }
    }

    fn navigation(&self) -> Markup {
        markup! {
            nav aria-label="Sections" {
                a href="#summary" { "Summary" }
                (sections::navigation(self.sheets))
                @for (i, fault) in self.grid.faults.iter().enumerate() {
                    a href={ "#fault-" (i) } { (words::capital(&words::under(fault))) }
                }
                a href="#ledger" { "Ledger" }
                @if self.grid.seeds.len() > 1 { a href="#spread" { "Spread" } }
                @if !self.verdicts.is_empty() { a href="#expectations" { "Expectations" } }
                a href="#about" { "About" }
                span.buttons {
                    button type="button" id="open-all" { "Open all" }
                    button type="button" id="close-all" { "Close all" }
                }
            }
        }
    }

    fn summary(&self) -> Markup {
        markup! {
            section #summary aria-labelledby="summary-title" {
                h2 #summary-title { "Summary" }
                ul.headline { @for line in words::headline(self.grid) { li { (line) } } }
                (tables::verdict_line(self.verdicts))
                (matrix::matrix(self.grid))
            }
        }
    }

    fn fault(&self, index: usize, fault: &str) -> Markup {
        let featured = matrix::featured(self.grid);
        markup! {
            section id={ "fault-" (index) } aria-labelledby={ "fault-title-" (index) } {
                h2 id={ "fault-title-" (index) } { (fault_title(self.grid, fault)) }
                ul.stories {
                    @for (design_index, design) in self.grid.designs.iter().enumerate() {
                        @let story = words::story(self.grid, design, fault);
                        @if !story.clauses.is_empty() {
                            (scene::story(self.grid, design_index, &story))
                        }
                    }
                }
                @for (load_index, (load, _)) in self.grid.loads.iter().enumerate() {
                    @let place = scene::Place { fault: index, load: load_index };
                    (scene::scene(self.record, self.grid, place, load, featured == Some(place)))
                }
            }
        }
    }

    fn footer(&self) -> Markup {
        let record = self.record;
        markup! {
            footer #about {
                h2 { "About this report" }
                p {
                    "Made from the record of schema " (record.schema) " of the experiment "
                    code { (record.experiment) } " in the world " code { (record.world) } ", seed "
                    (record.seed) ". "
                    @if record.world == "sim" {
                        "The world is simulated and deterministic: the same seed gives the same numbers, byte by byte."
                    }
                }
                p { "To run it again: " code { (scene::replay(record, None)) } }
                (tables::meanings(self.grid))
                @if !record.not_modelled.is_empty() {
                    h3 { "What this world does not model" }
                    ul { @for gap in &record.not_modelled { li { (gap) } } }
                }
            }
        }
    }
}

/// The drawing library as one script element; the crate hands it over together with a typesetter for formulas,
/// which nothing here needs.
pub(crate) fn plotly() -> String {
    const END: &str = "</script>";
    let sources = plotly::Plot::offline_js_sources();
    let end = sources.find(END).map_or(sources.len(), |at| at + END.len());
    sources[..end].to_owned()
}
