//! Targets: what to ask, as vegeta's target files say it.
//!
//! Two formats: the one people write ([`http`]: a method and a URL, header lines, `@body-file`) and the one programs
//! write ([`json`]: one object a line). Both are read one target at a time, so that a lazy attack can read a pipe
//! without end; [`read_all`] reads them all and checks them before anything is sent.
//!
//! Everything is checked here, once: a [`Target`] can be sent. An error names the file and the line. Bounded: a line
//! has at most [`LINE_BYTES_MAX`], a list at most [`TARGETS_MAX`] targets.

pub mod http;
pub mod json;

use std::io::{self, BufRead, Read as _};
use std::path::PathBuf;
use std::str::FromStr;

use ::http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};
use bytes::Bytes;
use thiserror::Error;

/// The longest line of a target file.
pub const LINE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// The most targets that are read into memory; a lazy attack has no such bound.
pub const TARGETS_MAX: usize = 1_000_000;

/// The methods that are registered (IANA, Hypertext Transfer Protocol Method Registry), and QUERY. Another
/// word in capitals is more likely a typo, and hours of load with a typo help nobody.
const METHODS: &str = "GET HEAD POST PUT PATCH DELETE OPTIONS TRACE CONNECT QUERY ACL BASELINE-CONTROL BIND CHECKIN \
     CHECKOUT COPY LABEL LINK LOCK MERGE MKACTIVITY MKCALENDAR MKCOL MKREDIRECTREF MKWORKSPACE MOVE ORDERPATCH \
     PROPFIND PROPPATCH REBIND REPORT SEARCH UNBIND UNCHECKOUT UNLINK UNLOCK UPDATE UPDATEREDIRECTREF VERSION-CONTROL";

/// One request to be sent, over and over.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// The method.
    pub method: Method,
    /// Where to: absolute, `http` or `https`.
    pub url: Uri,
    /// The URL as it was written.
    pub written: String,
    /// The headers.
    pub headers: HeaderMap,
    /// The body; empty without one.
    pub body: Bytes,
}

/// What every target of a file gets.
#[derive(Clone, Debug, Default)]
pub struct Defaults {
    /// Headers that are added to its own.
    pub headers: HeaderMap,
    /// The body, when it has none of its own.
    pub body: Bytes,
}

/// Why a target file cannot be used.
#[derive(Debug, Error)]
#[error("{file}:{line}: {problem}")]
pub struct TargetError {
    /// The file's name.
    pub file: String,
    /// The line, from 1 on.
    pub line: u64,
    /// What is wrong there.
    pub problem: TargetProblem,
}

/// What is wrong with a target.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum TargetProblem {
    /// There is none.
    #[error("no targets: write for example `GET http://127.0.0.1:8080/`")]
    Empty,
    /// More than fit in memory.
    #[error("more than {TARGETS_MAX} targets: read them one at a time with -lazy")]
    TooMany,
    /// Not a method and a URL.
    #[error("`{0}` is no target: a line is METHOD URL, for example `GET http://127.0.0.1:8080/`")]
    Line(String),
    /// A method that nobody knows.
    #[error("`{0}` is no HTTP method: write it in capitals, for example GET or POST")]
    Method(String),
    /// Not a URL.
    #[error("`{0}` is no URL: {1}")]
    Url(String, &'static str),
    /// Not a header.
    #[error("`{0}` is no header: a line is NAME: VALUE")]
    Header(String),
    /// A body file that cannot be read.
    #[error("cannot read the body file {}: {error}", path.display())]
    Body {
        /// The file.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
    /// A line of JSON that is no target.
    #[error("no target: {0}; one looks like {{\"method\":\"GET\",\"url\":\"http://127.0.0.1:8080/\"}}")]
    Json(String),
    /// A line that is no text.
    #[error("the line is no UTF-8")]
    NotText,
    /// A line without end.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// The system could not read on.
    #[error(transparent)]
    Io(io::Error),
}

/// The format of a target file.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum TargetFormat {
    /// `METHOD URL` and header lines.
    #[default]
    Http,
    /// One JSON object a line.
    Json,
}

impl FromStr for TargetFormat {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "http" => Ok(Self::Http),
            "json" => Ok(Self::Json),
            _ => Err("a target file is http or json".to_owned()),
        }
    }
}

/// Targets as they are read, each with its line; ends after the first error.
pub type Targets = Box<dyn Iterator<Item = Result<Target, TargetError>> + Send>;

/// Reads targets one at a time.
pub fn read(
    file: &str,
    reader: impl BufRead + Send + 'static,
    format: TargetFormat,
    defaults: Defaults,
) -> Targets {
    let lines = Lines { file: file.to_owned(), reader, line: 0 };
    match format {
        TargetFormat::Http => Box::new(http::HttpTargets::new(lines, defaults)),
        TargetFormat::Json => Box::new(json::JsonTargets::new(lines, defaults)),
    }
}

/// Reads all targets; at least one.
///
/// # Errors
/// When one of them is wrong, or there is none.
pub fn read_all(file: &str, targets: Targets) -> Result<Vec<Target>, TargetError> {
    let refused = |line, problem| Err(TargetError { file: file.to_owned(), line, problem });
    let mut all = Vec::new();
    for target in targets {
        all.push(target?);
        if all.len() > TARGETS_MAX {
            return refused(1, TargetProblem::TooMany);
        }
    }
    if all.is_empty() { refused(1, TargetProblem::Empty) } else { Ok(all) }
}

/// Lines with their numbers.
#[derive(Debug)]
pub(super) struct Lines<R> {
    file: String,
    reader: R,
    line: u64,
}

impl<R: BufRead> Lines<R> {
    /// The next line without spaces around it; `None` at the end.
    fn next(&mut self) -> Result<Option<String>, TargetError> {
        self.line += 1;
        let mut bytes = Vec::new();
        let limited = &mut self.reader;
        let read = limited.take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut bytes);
        if let Err(error) = read {
            return Err(self.wrong(TargetProblem::Io(error)));
        }
        if bytes.is_empty() {
            return Ok(None);
        }
        if bytes.len() > LINE_BYTES_MAX {
            return Err(self.wrong(TargetProblem::TooLong));
        }
        match String::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.trim().to_owned())),
            Err(_) => Err(self.wrong(TargetProblem::NotText)),
        }
    }

    fn wrong(&self, problem: TargetProblem) -> TargetError {
        TargetError { file: self.file.clone(), line: self.line, problem }
    }
}

/// Checks a method.
fn method(text: &str) -> Result<Method, TargetProblem> {
    let known = METHODS.split_whitespace().any(|method| method == text);
    let method = known.then(|| Method::from_bytes(text.as_bytes()).ok()).flatten();
    method.ok_or_else(|| TargetProblem::Method(shown(text)))
}

/// Checks a URL. `http://:8080/` is this machine, as in vegeta's own examples.
fn url(text: &str) -> Result<Uri, TargetProblem> {
    let wrong = |why| TargetProblem::Url(shown(text), why);
    let local = ["http://", "https://"].iter().find_map(|scheme| {
        let rest = text.strip_prefix(scheme)?;
        rest.starts_with(':').then(|| format!("{scheme}localhost{rest}"))
    });
    let without_fragment = local.as_deref().unwrap_or(text).split('#').next().unwrap_or_default();
    let url: Uri =
        without_fragment.parse().map_err(|_| wrong("it has characters or a port that no URL has"))?;
    match url.scheme_str() {
        Some("http" | "https") => {}
        Some(_) => return Err(wrong("only http and https are spoken here")),
        None => return Err(wrong("it has to begin with http:// or https:// and a host")),
    }
    if url.host().is_none_or(str::is_empty) {
        return Err(wrong("it has no host"));
    }
    if url.authority().is_some_and(|authority| authority.as_str().contains('@')) {
        return Err(wrong("send user and password as a header: Authorization: Basic …"));
    }
    // A port is a number up to 65535, or not there.
    let port = url.authority().and_then(|authority| {
        let host = authority.as_str().rfind(']').map_or(authority.as_str(), |at| &authority.as_str()[at..]);
        host.split_once(':').map(|(_, port)| port)
    });
    if port.is_some_and(|port| port.parse::<u16>().is_err()) {
        return Err(wrong("its port is no number up to 65535"));
    }
    Ok(url)
}

/// Reads `NAME: VALUE`.
///
/// # Errors
/// When it is none.
pub fn header(line: &str) -> Result<(HeaderName, HeaderValue), TargetProblem> {
    let wrong = || TargetProblem::Header(shown(line));
    let (name, value) = line.split_once(':').ok_or_else(wrong)?;
    named(name, value).filter(|(_, value)| !value.is_empty()).ok_or_else(wrong)
}

fn named(name: &str, value: &str) -> Option<(HeaderName, HeaderValue)> {
    let name = name.trim().parse::<HeaderName>().ok()?;
    let value = HeaderValue::from_str(value.trim()).ok()?;
    Some((name, value))
}

/// The beginning of what was written, for an error.
fn shown(text: &str) -> String {
    const SHOWN_MAX: usize = 80;
    match text.char_indices().nth(SHOWN_MAX) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests;
