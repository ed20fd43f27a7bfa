//! Results as JSON, one object a line, with the keys in vegeta's order.

use std::borrow::Cow;
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::read::ReadProblem;
use super::{Headers, Hit};

#[derive(Serialize)]
struct Written<'a> {
    attack: &'a str,
    seq: u64,
    code: u16,
    timestamp: String,
    latency: u64,
    bytes_out: u64,
    bytes_in: u64,
    error: &'a str,
    body: Option<String>,
    method: &'a str,
    url: &'a str,
    headers: Option<&'a Headers>,
    #[serde(skip_serializing_if = "Option::is_none")]
    delay: Option<u64>,
}

/// Other keys are skipped, as vegeta skips them. Without these three a result says nothing.
#[derive(Deserialize)]
struct Read<'a> {
    #[serde(borrow, default)]
    attack: Cow<'a, str>,
    #[serde(default)]
    seq: u64,
    code: u16,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    latency: u64,
    #[serde(default)]
    bytes_out: u64,
    #[serde(default)]
    bytes_in: u64,
    #[serde(borrow, default)]
    error: Cow<'a, str>,
    #[serde(borrow, default)]
    body: Option<Cow<'a, str>>,
    #[serde(borrow, default)]
    method: Cow<'a, str>,
    #[serde(borrow, default)]
    url: Cow<'a, str>,
    #[serde(default)]
    headers: Option<Headers>,
    #[serde(default)]
    delay: Option<u64>,
}

/// The hit as one line, with its end.
pub(super) fn line(hit: &Hit) -> Vec<u8> {
    let timestamp = Timestamp::from_nanosecond(i128::from(hit.timestamp_ns)).unwrap_or_default();
    let written = Written {
        attack: &hit.attack,
        seq: hit.seq,
        code: hit.code,
        timestamp: timestamp.to_string(),
        latency: nanos(hit.latency),
        bytes_out: hit.bytes_out,
        bytes_in: hit.bytes_in,
        error: &hit.error,
        body: (!hit.body.is_empty()).then(|| STANDARD.encode(&hit.body)),
        method: &hit.method,
        url: &hit.url,
        headers: hit.headers.as_ref(),
        delay: hit.delay.map(nanos),
    };
    let mut line = serde_json::to_vec(&written).expect("keys are text, and memory takes every write");
    line.push(b'\n');
    line
}

/// Reads one line. `is_last` says that no end of line follows: then what cannot be read was cut off.
pub(super) fn parse(line: &[u8], is_last: bool) -> Result<Hit, ReadProblem> {
    let read: Read<'_> = serde_json::from_slice(line).map_err(|error| match error.classify() {
        serde_json::error::Category::Eof if is_last => ReadProblem::CutOff,
        // Of its position the column is left: the line is the file's.
        _ => ReadProblem::Json(without_place(&error), error.column()),
    })?;
    let timestamp: Timestamp =
        read.timestamp.parse().map_err(|_| ReadProblem::Field("timestamp", read.timestamp.to_string()))?;
    let timestamp_ns = i64::try_from(timestamp.as_nanosecond())
        .map_err(|_| ReadProblem::Field("timestamp", read.timestamp.to_string()))?;
    let body = match read.body {
        None => Bytes::new(),
        Some(body) => STANDARD
            .decode(body.as_bytes())
            .map_err(|_| ReadProblem::Field("body", "no base64".to_owned()))?
            .into(),
    };
    Ok(Hit {
        attack: read.attack.into_owned(),
        seq: read.seq,
        code: read.code,
        timestamp_ns,
        latency: Duration::from_nanos(read.latency),
        bytes_out: read.bytes_out,
        bytes_in: read.bytes_in,
        error: read.error.into_owned(),
        body,
        method: read.method.into_owned(),
        url: read.url.into_owned(),
        headers: read.headers,
        delay: read.delay.map(Duration::from_nanos),
    })
}

fn without_place(error: &serde_json::Error) -> String {
    let text = error.to_string();
    text.rfind(" at line ").map_or(text.clone(), |at| text[..at].to_owned())
}

pub(super) fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}
