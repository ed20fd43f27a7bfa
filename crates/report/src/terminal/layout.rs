//! How a table is drawn: one line per row, groups of rows apart, and columns left out rather than wrapped.

use comfy_table::{Attribute, Cell, CellAlignment, Color, ContentArrangement, Table, TableStyle};

use crate::words::Tone;

/// A column's heading, and how dear it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Column {
    head: &'static str,
    right: bool,
    keep: u8,
}

/// What stands in one field, and whether it is good or bad.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Field {
    text: String,
    tone: Option<Tone>,
}

impl Column {
    /// The rank of a column without which a line cannot be understood.
    pub(crate) const ALWAYS: u8 = u8::MAX;

    /// A column of words. On narrow terminals those with the lowest rank `keep` are left out first.
    pub(crate) const fn left(head: &'static str, keep: u8) -> Self {
        Self { head, right: false, keep }
    }

    /// A column of numbers.
    pub(crate) const fn right(head: &'static str, keep: u8) -> Self {
        Self { head, right: true, keep }
    }

    /// The heading on one line.
    pub(crate) fn title(&self) -> String {
        self.head.trim_end().replace('\n', " ")
    }
}

impl Field {
    /// A field without judgement.
    pub(crate) const fn plain(text: String) -> Self {
        Self { text, tone: None }
    }

    /// A field that is good or bad news.
    pub(crate) const fn toned(text: String, tone: Tone) -> Self {
        Self { text, tone: Some(tone) }
    }
}

/// Draws groups of rows with a faint line between them.
pub(crate) fn render(columns: &[Column], groups: &[Vec<Vec<Field>>], width: u16, colour: bool) -> String {
    let shown = fitting(columns, groups, width);
    let mut table = Table::new();
    table.load_style(TableStyle::new()).set_content_arrangement(ContentArrangement::Disabled);
    if colour {
        table.enforce_styling();
    } else {
        table.force_no_tty();
    }
    table.set_header(shown.iter().map(|i| Cell::new(columns[*i].head).add_attribute(Attribute::Bold)));
    for line in groups.iter().flatten() {
        table.add_row(shown.iter().map(|i| styled(&line[*i])).collect::<Vec<_>>());
    }
    for (place, i) in shown.iter().enumerate() {
        if columns[*i].right {
            let column = table.column_mut(place).expect("each shown column was given a heading");
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let heading = shown.iter().map(|i| columns[*i].head.lines().count()).max().unwrap_or(0);
    with_rules(&table, heading, groups)
}

/// A paragraph that hangs under its first word: `prefix` once, then blanks of the same width.
pub(crate) fn paragraph(prefix: &str, text: &str, width: u16) -> String {
    let indent = prefix.chars().count();
    let (mut lines, mut used) = (prefix.to_owned(), indent);
    for word in text.split(' ') {
        let length = word.chars().count();
        if used > indent && used + 1 + length > usize::from(width) {
            lines.push('\n');
            lines.push_str(&" ".repeat(indent));
            used = indent;
        } else if used > indent {
            lines.push(' ');
            used += 1;
        }
        lines.push_str(word);
        used += length;
    }
    lines.push('\n');
    lines
}

/// The columns that fit: the least dear ones go first.
fn fitting(columns: &[Column], groups: &[Vec<Vec<Field>>], width: u16) -> Vec<usize> {
    const PADDING: usize = 2;
    let lines = || groups.iter().flatten();
    let width_of = |i: &usize| {
        let head = columns[*i].head.lines().map(|line| line.chars().count()).max().unwrap_or(0);
        let body = lines().map(|line| line[*i].text.chars().count()).max().unwrap_or(0);
        head.max(body) + PADDING
    };
    let mut shown: Vec<usize> = (0..columns.len()).collect();
    while shown.iter().map(width_of).sum::<usize>() > usize::from(width) {
        let spare = shown.iter().filter(|i| columns[**i].keep < Column::ALWAYS);
        let Some(least) = spare.min_by_key(|i| columns[**i].keep).copied() else { break };
        shown.retain(|i| *i != least);
    }
    shown
}

fn styled(field: &Field) -> Cell {
    let cell = Cell::new(&field.text);
    match field.tone {
        None => cell,
        Some(Tone::Good) => cell.fg(Color::Green),
        Some(Tone::Mixed) => cell.fg(Color::Yellow),
        Some(Tone::Bad) => cell.fg(Color::Red),
    }
}

/// The table's lines with its rules: above, under the heading, faint ones between groups, and beneath.
///
/// Drawn here, because the table knows no groups. Rows are exactly one line high.
fn with_rules(table: &Table, heading: usize, groups: &[Vec<Vec<Field>>]) -> String {
    let lines: Vec<String> = table.lines().collect();
    let width = lines.iter().map(|line| without_escapes(line).trim_end().chars().count()).max().unwrap_or(0);
    let rule = |kind: &str| format!("{}\n", kind.repeat(width));
    let mut text = rule("─");
    let (head, mut rows) = lines.split_at(heading.min(lines.len()));
    text.extend(head.iter().map(|line| format!("{}\n", line.trim_end())));
    let mut above = "═";
    for group in groups {
        text.push_str(&rule(above));
        let (these, rest) = rows.split_at(group.len().min(rows.len()));
        text.extend(these.iter().map(|line| format!("{}\n", line.trim_end())));
        (above, rows) = ("╌", rest);
    }
    text.push_str(&rule("─"));
    text
}

/// A line as wide as it is seen: colours take no room.
fn without_escapes(line: &str) -> String {
    let mut seen = String::new();
    let mut letters = line.chars();
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' {
            letters.by_ref().find(|letter| *letter == 'm');
        } else {
            seen.push(letter);
        }
    }
    seen
}
