//! The sections that an experiment asks for: words, a drawing where there is one, and a table.

use maud::{Markup, PreEscaped, html};

use crate::sections::{Drawing, Entry, Sheet};
use crate::words::Tone;

const SCRIPT: &str = include_str!("sections.js");

/// The links to them.
pub(super) fn navigation(sheets: &[Sheet]) -> Markup {
    html! {
        @for (i, sheet) in sheets.iter().enumerate() { a href={ "#section-" (i) } { (sheet.title) } }
    }
}

/// Those that are written for people in a hurry, which begin the page.
pub(super) fn first(sheets: &[Sheet]) -> Markup {
    chosen(sheets, |sheet| !sheet.prose.is_empty())
}

/// All others.
pub(super) fn others(sheets: &[Sheet]) -> Markup {
    chosen(sheets, |sheet| sheet.prose.is_empty())
}

fn chosen(sheets: &[Sheet], is_meant: impl Fn(&Sheet) -> bool) -> Markup {
    html! {
        @for (i, sheet) in sheets.iter().enumerate().filter(|(_, sheet)| is_meant(sheet)) {
            section.asked id={ "section-" (i) } aria-labelledby={ "section-title-" (i) } {
                h2 id={ "section-title-" (i) } { (sheet.title) }
                @if !sheet.text.is_empty() { p { (sheet.text) } }
                @if let Some(drawing) = &sheet.drawing { (place(i, drawing)) }
                (tiles(sheet))
                @if !sheet.prose.is_empty() {
                    (prose(sheet))
                }
                @if sheet.folded && sheet.drawing.is_some() {
                    details.folded { summary { "In numbers" } (table(sheet)) }
                } @else if !sheet.groups.is_empty() {
                    (table(sheet))
                }
                @if !sheet.findings.is_empty() {
                    ul.findings { @for finding in &sheet.findings { li { (finding) } } }
                }
            }
        }
    }
}

/// Where the script draws, and what.
fn place(index: usize, drawing: &Drawing) -> Markup {
    let (kind, numbers) = match drawing {
        Drawing::Hysteresis(courses) => ("hysteresis", serde_json::to_string(courses)),
        Drawing::Frontier(points) => ("frontier", serde_json::to_string(points)),
        Drawing::Bars(bars) => ("bars", serde_json::to_string(bars)),
    };
    let numbers = numbers.expect("all keys are text, and memory takes every write");
    // "</script>" inside a design's name must not end the element.
    let numbers = numbers.replace('<', "\\u003c").replace('>', "\\u003e").replace('&', "\\u0026");
    let caption = match drawing {
        Drawing::Hysteresis(_) => {
            "Goodput against the load asked for, step by step: solid on the way up, dotted on the way down, a number at \
             each step. Where the way down lies below the way up, the same load no longer gets the same goodput."
        }
        Drawing::Frontier(_) => {
            "Latency (p99 of successes) against goodput; one point for each load, larger where more was refused or \
             failed. To the lower right is better."
        }
        Drawing::Bars(bars) if bars.len() > 1 || bars.iter().any(|bars| !bars.title.is_empty()) => {
            "Requests by how long they took; one that was given up took until then."
        }
        Drawing::Bars(_) => "Requests by how they ended.",
    };
    html! {
        figure {
            figcaption { span { (caption) } }
            div.drawing data-kind=(kind) data-numbers={ "section-numbers-" (index) } {}
            script type="application/json" id={ "section-numbers-" (index) } { (PreEscaped(numbers)) }
        }
    }
}

/// One sentence is a paragraph, several are a list.
fn prose(sheet: &Sheet) -> Markup {
    html! {
        div.prose {
            @for (heading, said) in &sheet.prose {
                h3 { (heading) }
                @if let [only] = said.as_slice() { p { (only) } } @else { ul { @for line in said { li { (line) } } } }
            }
        }
    }
}

/// The numbers that a section begins with.
fn tiles(sheet: &Sheet) -> Markup {
    html! {
        @if !sheet.tiles.is_empty() {
            ul.tiles {
                @for tile in &sheet.tiles {
                    li class=(tone_class(tile.tone)) { strong { (tile.value) } span { (tile.label) } }
                }
            }
        }
    }
}

const fn tone_class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "good",
        Tone::Mixed => "mixed",
        Tone::Bad => "bad",
    }
}

fn table(sheet: &Sheet) -> Markup {
    let of_words: Vec<bool> = (0..sheet.heads.len()).map(|column| is_words(sheet, column)).collect();
    html! {
        div.wide {
            table.numbers.asked {
                thead { tr { @for (head, of_words) in sheet.heads.iter().zip(&of_words) { th.words[*of_words] scope="col" { (head) } } } }
                @for group in &sheet.groups {
                    tbody {
                        @for line in group {
                            tr {
                                @for (i, entry) in line.iter().enumerate() {
                                    @if i == 0 {
                                        th scope="row" { (entry.text) }
                                    } @else {
                                        td class=(class(entry, of_words.get(i) == Some(&true))) { (entry.text) }
                                    }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Whether there are words in a column: then all of it stands to the left, and numbers to the right otherwise.
fn is_words(sheet: &Sheet, column: usize) -> bool {
    let is_number = |c: char| c.is_ascii_digit() || matches!(c, '–' | '$' | '+' | '-');
    let mut entries = sheet.groups.iter().flatten().filter_map(|line| line.get(column));
    entries.any(|entry| !entry.text.is_empty() && !entry.text.starts_with(is_number))
}

fn class(entry: &Entry, is_of_words: bool) -> String {
    let tone = match entry.tone {
        Some(Tone::Bad) => "problem ",
        Some(Tone::Mixed) => "doubtful ",
        Some(Tone::Good) | None => "",
    };
    format!("{tone}{}", if is_of_words { "words" } else { "" })
}

/// What draws them; nothing when there is nothing to draw.
pub(super) fn script(sheets: &[Sheet]) -> Markup {
    html! {
        @if sheets.iter().any(|sheet| sheet.drawing.is_some()) { script { (PreEscaped(SCRIPT)) } }
    }
}
