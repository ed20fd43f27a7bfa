//! Sections in a terminal: a table that is cut into blocks of columns rather than wrapped, and findings.

use std::fmt::Write;

use super::{Entry, Sheet};
use crate::terminal::paragraph;
use crate::words::Tone;

/// The sections as text, at most `width` characters wide.
pub(crate) fn text(sheets: &[Sheet], width: u16, colour: bool) -> String {
    let mut text = String::new();
    for sheet in sheets {
        let title = if colour { format!("\u{1b}[1m{}\u{1b}[0m", sheet.title) } else { sheet.title.clone() };
        let _infallible = writeln!(text, "{title}");
        if !sheet.text.is_empty() {
            text.push_str(&paragraph("  ", &sheet.text, width));
        }
        for tile in &sheet.tiles {
            text.push_str(&paragraph(&format!("  {:>12}  ", tile.value), &tile.label, width));
        }
        for (heading, said) in &sheet.prose {
            text.push_str(&paragraph("  ", &format!("{heading}. {}", said.join(" ")), width));
        }
        if !sheet.groups.is_empty() {
            text.push_str(&table(sheet, width, colour));
        }
        for finding in &sheet.findings {
            text.push_str(&paragraph("  ", finding, width));
        }
        text.push('\n');
    }
    text
}

/// The table; what is too wide for the terminal follows beneath, with the first column again.
fn table(sheet: &Sheet, width: u16, colour: bool) -> String {
    let lines = || sheet.groups.iter().flatten();
    let wide = |column: usize| {
        let fields = lines().filter_map(|line| line.get(column)).map(|entry| entry.text.chars().count());
        fields.chain([sheet.heads[column].chars().count()]).max().unwrap_or(0)
    };
    let widths: Vec<usize> = (0..sheet.heads.len()).map(wide).collect();
    let mut text = String::new();
    let mut from = 1;
    loop {
        let mut block = vec![0];
        let mut used = widths[0];
        while from < widths.len() && (block.len() == 1 || used + 2 + widths[from] <= usize::from(width)) {
            used += 2 + widths[from];
            block.push(from);
            from += 1;
        }
        text.push_str(&block_text(sheet, &block, &widths, colour));
        if from >= widths.len() {
            return text;
        }
    }
}

fn block_text(sheet: &Sheet, columns: &[usize], widths: &[usize], colour: bool) -> String {
    let total = columns.iter().map(|column| widths[*column] + 2).sum::<usize>() - 2;
    let rule = |kind: &str| format!("{}\n", kind.repeat(total));
    let head: Vec<String> = columns
        .iter()
        .map(|column| padded(&sheet.heads[*column], widths[*column], is_word(sheet, *column)))
        .collect();
    let mut text = format!("{}{}\n", rule("─"), head.join("  ").trim_end());
    for (index, group) in sheet.groups.iter().enumerate() {
        text.push_str(&rule(if index == 0 { "═" } else { "╌" }));
        for line in group {
            let field = |column: &usize| {
                let entry = &line[*column];
                let field = padded(&entry.text, widths[*column], is_word(sheet, *column));
                if colour { coloured(&field, entry) } else { field }
            };
            let fields: Vec<String> = columns.iter().map(field).collect();
            let _infallible = writeln!(text, "{}", fields.join("  ").trim_end());
        }
    }
    text.push_str(&rule("─"));
    text
}

/// Words stand to the left: the first column, and columns in which no field begins like a number.
fn is_word(sheet: &Sheet, column: usize) -> bool {
    let numeric =
        |entry: &Entry| entry.text.starts_with(|c: char| c.is_ascii_digit() || matches!(c, '$' | '+' | '-'));
    column == 0 || !sheet.groups.iter().flatten().filter_map(|line| line.get(column)).any(numeric)
}

fn padded(text: &str, width: usize, left: bool) -> String {
    let fill = " ".repeat(width.saturating_sub(text.chars().count()));
    if left { format!("{text}{fill}") } else { format!("{fill}{text}") }
}

fn coloured(field: &str, entry: &Entry) -> String {
    match entry.tone {
        None | Some(Tone::Good) => field.to_owned(),
        Some(Tone::Mixed) => format!("\u{1b}[33m{field}\u{1b}[39m"),
        Some(Tone::Bad) => format!("\u{1b}[31m{field}\u{1b}[39m"),
    }
}
