//! Targets as programs write them: one JSON object a line, `{"method", "url", "body": base64, "header": {"K": ["v"]}}`.
//! The schema is vegeta's; keys that it does not have are refused, because a typo in `header` would be missed.

use std::collections::BTreeMap;
use std::io::BufRead;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{Defaults, Lines, Target, TargetError, TargetProblem, method, named, shown, url};

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    #[serde(default)]
    method: String,
    #[serde(default)]
    url: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    body: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    header: Option<BTreeMap<String, Vec<String>>>,
}

/// Targets from lines.
#[derive(Debug)]
pub(super) struct JsonTargets<R> {
    lines: Lines<R>,
    defaults: Defaults,
    done: bool,
}

impl<R: BufRead> JsonTargets<R> {
    pub(super) fn new(lines: Lines<R>, defaults: Defaults) -> Self {
        Self { lines, defaults, done: false }
    }

    fn next_target(&mut self) -> Result<Option<Target>, TargetError> {
        while let Some(line) = self.lines.next()? {
            if !line.is_empty() {
                let target = parse(&line, &self.defaults);
                return target.map(Some).map_err(|problem| self.lines.wrong(problem));
            }
        }
        Ok(None)
    }
}

fn parse(line: &str, defaults: &Defaults) -> Result<Target, TargetProblem> {
    let wrong = |what: String| TargetProblem::Json(what);
    let written: Written = serde_json::from_str(line).map_err(|error| wrong(error.to_string()))?;
    if written.method.is_empty() {
        return Err(wrong("`method` is missing".to_owned()));
    }
    if written.url.is_empty() {
        return Err(wrong("`url` is missing".to_owned()));
    }
    let body = match written.body.as_deref() {
        None | Some("") => defaults.body.clone(),
        Some(body) => {
            Bytes::from(STANDARD.decode(body).map_err(|_| wrong("`body` is no base64".to_owned()))?)
        }
    };
    let mut headers = defaults.headers.clone();
    for (name, values) in written.header.unwrap_or_default() {
        for value in values {
            let (name, value) = named(&name, &value)
                .ok_or_else(|| TargetProblem::Header(shown(&format!("{name}: {value}"))))?;
            headers.append(name, value);
        }
    }
    Ok(Target {
        method: method(&written.method)?,
        url: url(&written.url)?,
        written: written.url,
        headers,
        body,
    })
}

/// A target as such a line, without its end.
#[must_use]
pub fn line(target: &Target) -> String {
    let mut header: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for (name, value) in &target.headers {
        let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
        header.entry(name.to_string()).or_default().push(value);
    }
    let written = Written {
        method: target.method.to_string(),
        url: target.written.clone(),
        body: (!target.body.is_empty()).then(|| STANDARD.encode(&target.body)),
        header: (!header.is_empty()).then_some(header),
    };
    serde_json::to_string(&written).expect("keys are text, and memory takes every write")
}

impl<R: BufRead> Iterator for JsonTargets<R> {
    type Item = Result<Target, TargetError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let next = self.next_target().transpose();
        self.done = !matches!(next, Some(Ok(_)));
        next
    }
}
