//! Results as CSV: twelve columns, no header. The answer's headers are base64 of their wire form.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use csv::StringRecord;

use super::json::nanos;
use super::read::ReadProblem;
use super::{Headers, Hit};

/// The columns, for people.
const COLUMNS: [&str; 12] = [
    "timestamp",
    "code",
    "latency",
    "bytes out",
    "bytes in",
    "error",
    "body",
    "attack",
    "seq",
    "method",
    "url",
    "headers",
];

/// The hit as a record's fields.
pub(super) fn fields(hit: &Hit) -> [String; 12] {
    [
        hit.timestamp_ns.to_string(),
        hit.code.to_string(),
        nanos(hit.latency).to_string(),
        hit.bytes_out.to_string(),
        hit.bytes_in.to_string(),
        hit.error.clone(),
        STANDARD.encode(&hit.body),
        hit.attack.clone(),
        hit.seq.to_string(),
        hit.method.clone(),
        hit.url.clone(),
        hit.headers.as_ref().map(|headers| STANDARD.encode(wire(headers))).unwrap_or_default(),
    ]
}

/// Reads one record.
pub(super) fn parse(record: &StringRecord) -> Result<Hit, ReadProblem> {
    if record.len() != COLUMNS.len() {
        return Err(ReadProblem::Columns(record.len()));
    }
    let headers = match &record[11] {
        "" => None,
        text => Some(headers(&base64(text, 11)?).ok_or_else(|| wrong(record, 11))?),
    };
    Ok(Hit {
        timestamp_ns: number(record, 0)?,
        code: number(record, 1)?,
        latency: Duration::from_nanos(number(record, 2)?),
        bytes_out: number(record, 3)?,
        bytes_in: number(record, 4)?,
        error: record[5].to_owned(),
        body: base64(&record[6], 6)?.into(),
        attack: record[7].to_owned(),
        seq: number(record, 8)?,
        method: record[9].to_owned(),
        url: record[10].to_owned(),
        headers,
        delay: None,
    })
}

fn number<N: std::str::FromStr>(record: &StringRecord, column: usize) -> Result<N, ReadProblem> {
    record[column].trim_start().parse().map_err(|_| wrong(record, column))
}

fn base64(text: &str, column: usize) -> Result<Vec<u8>, ReadProblem> {
    STANDARD.decode(text).map_err(|_| ReadProblem::Field(COLUMNS[column], "no base64".to_owned()))
}

fn wrong(record: &StringRecord, column: usize) -> ReadProblem {
    ReadProblem::Field(COLUMNS[column], record[column].to_owned())
}

/// `Name: value` lines and an empty one. A line break within a value would begin another header: it becomes a space.
fn wire(headers: &Headers) -> String {
    let mut wire = String::new();
    for (name, values) in headers {
        for value in values {
            wire.push_str(name);
            wire.push_str(": ");
            wire.push_str(&value.replace(['\r', '\n'], " "));
            wire.push_str("\r\n");
        }
    }
    wire.push_str("\r\n");
    wire
}

fn headers(wire: &[u8]) -> Option<Headers> {
    let text = String::from_utf8_lossy(wire);
    let mut headers = Headers::new();
    for line in text.lines().take_while(|line| !line.is_empty()) {
        let (name, value) = line.split_once(':')?;
        headers.entry(name.to_owned()).or_default().push(value.trim().to_owned());
    }
    Some(headers)
}
