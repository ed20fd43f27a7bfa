//! Several result files side by side, with what changed from the first.

use std::time::Duration;

use super::Summary;
use crate::duration::{format_duration, rounded};

/// One row: what it is, and its value in each file.
struct Row {
    name: String,
    values: Vec<Value>,
}

/// A value that is shown, and compared.
struct Value {
    shown: String,
    number: f64,
}

impl Value {
    fn duration(duration: Duration) -> Self {
        Self { shown: format_duration(rounded(duration)), number: duration.as_secs_f64() }
    }

    fn count(count: u64) -> Self {
        Self { shown: count.to_string(), number: count as f64 }
    }

    fn rate(rate: f64) -> Self {
        Self { shown: format!("{rate:.2}"), number: rate }
    }

    /// A share is compared in points, not in per cent of per cent.
    fn share(share: f64) -> Self {
        Self { shown: format!("{:.2}%", share * 100.0), number: share }
    }
}

/// The files as columns, each with its difference from the first.
#[must_use]
pub fn text(files: &[(String, Summary)]) -> String {
    let rows = rows(files);
    let mut table = vec![vec![String::new()]];
    for (index, (name, _)) in files.iter().enumerate() {
        table[0].push(name.clone());
        if index > 0 {
            table[0].push("change".to_owned());
        }
    }
    for row in rows {
        let mut cells = vec![row.name.clone()];
        for (index, value) in row.values.iter().enumerate() {
            cells.push(value.shown.clone());
            if index > 0 {
                cells.push(change(&row.values[0], value, row.name == "success"));
            }
        }
        table.push(cells);
    }
    let columns = table[0].len();
    let widths: Vec<usize> = (0..columns)
        .map(|column| table.iter().map(|row| row[column].chars().count()).max().unwrap_or(0))
        .collect();
    let mut text = String::new();
    for row in table {
        let mut line = format!("{:<width$}", row[0], width = widths[0]);
        for (cell, width) in row[1..].iter().zip(&widths[1..]) {
            line += &format!("  {cell:>width$}");
        }
        text += line.trim_end();
        text.push('\n');
    }
    text
}

fn rows(files: &[(String, Summary)]) -> Vec<Row> {
    let row = |name: &str, value: &dyn Fn(&Summary) -> Value| Row {
        name: name.to_owned(),
        values: files.iter().map(|(_, summary)| value(summary)).collect(),
    };
    let mut rows = vec![
        row("requests", &|summary| Value::count(summary.requests())),
        row("rate", &|summary| Value::rate(summary.rate())),
        row("throughput", &|summary| Value::rate(summary.throughput())),
        row("success", &|summary| Value::share(summary.success().unwrap_or(0.0))),
        row("mean", &|summary| Value::duration(summary.latencies.mean())),
    ];
    for (name, share) in
        [("min", 0.0), ("50th", 0.5), ("90th", 0.9), ("95th", 0.95), ("99th", 0.99), ("max", 1.0)]
    {
        rows.push(row(name, &|summary| Value::duration(summary.latencies.quantile(share))));
    }
    rows.push(row("bytes in", &|summary| Value::count(summary.bytes_in)));
    rows.push(row("bytes out", &|summary| Value::count(summary.bytes_out)));
    rows.push(row("not sent", &|summary| Value::count(summary.dropped)));
    rows.push(row("sent late", &|summary| Value::count(summary.late)));
    let codes: std::collections::BTreeSet<u16> =
        files.iter().flat_map(|(_, summary)| summary.codes.keys().copied()).collect();
    for code in codes {
        let name = if code == 0 { "no answer".to_owned() } else { format!("status {code}") };
        rows.push(row(&name, &|summary| Value::count(summary.codes.get(&code).copied().unwrap_or(0))));
    }
    rows.push(Row {
        name: "measured from".to_owned(),
        values: files
            .iter()
            .map(|(_, summary)| Value { shown: summary.measured_from().to_owned(), number: f64::NAN })
            .collect(),
    });
    rows
}

fn change(from: &Value, to: &Value, in_points: bool) -> String {
    let difference = to.number - from.number;
    match (difference, from.number) {
        (difference, _) if difference.is_nan() => String::new(),
        (0.0, _) => "=".to_owned(),
        (difference, _) if in_points => format!("{:+.2} pt", difference * 100.0),
        (_, 0.0) => "new".to_owned(),
        (difference, from) => format!("{:+.1}%", difference / from * 100.0),
    }
}
