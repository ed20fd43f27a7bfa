//! Targets as people write them:
//!
//! ```text
//! # a comment
//! POST http://127.0.0.1:8080/orders
//! Content-Type: application/json
//! @order.json
//!
//! GET http://127.0.0.1:8080/health
//! ```
//!
//! The grammar is vegeta's: a target ends with an empty line, with its body file, or where another one begins right
//! after its first line. A body file is found from the current directory.

use std::io::BufRead;

use bytes::Bytes;

use super::{Defaults, Lines, Target, TargetError, TargetProblem, header, method, shown, url};

/// Targets from lines.
#[derive(Debug)]
pub(super) struct HttpTargets<R> {
    lines: Lines<R>,
    defaults: Defaults,
    /// A line that was looked at and belongs to the next target.
    ahead: Option<String>,
    done: bool,
}

impl<R: BufRead> HttpTargets<R> {
    pub(super) fn new(lines: Lines<R>, defaults: Defaults) -> Self {
        Self { lines, defaults, ahead: None, done: false }
    }

    fn line(&mut self) -> Result<Option<String>, TargetError> {
        match self.ahead.take() {
            Some(line) => Ok(Some(line)),
            None => self.lines.next(),
        }
    }

    fn next_target(&mut self) -> Result<Option<Target>, TargetError> {
        let first = loop {
            match self.line()? {
                None => return Ok(None),
                Some(line) if line.is_empty() || line.starts_with('#') => {}
                Some(line) => break line,
            }
        };
        let mut target = self.begin(&first).map_err(|problem| self.lines.wrong(problem))?;
        match self.lines.next()? {
            None => return Ok(Some(target)),
            Some(line) if line.is_empty() => return Ok(Some(target)),
            Some(line) if begins(&line) => {
                self.ahead = Some(line);
                return Ok(Some(target));
            }
            Some(line) => self.ahead = Some(line),
        }
        while let Some(line) = self.line()? {
            if line.is_empty() {
                break;
            }
            if line.starts_with('#') {
                continue;
            }
            if let Some(path) = line.strip_prefix('@') {
                let read = std::fs::read(path);
                target.body =
                    Bytes::from(read.map_err(|error| {
                        self.lines.wrong(TargetProblem::Body { path: path.into(), error })
                    })?);
                break;
            }
            let (name, value) = header(&line).map_err(|problem| self.lines.wrong(problem))?;
            target.headers.append(name, value);
        }
        Ok(Some(target))
    }

    fn begin(&self, line: &str) -> Result<Target, TargetProblem> {
        let (name, address) =
            line.split_once(char::is_whitespace).ok_or_else(|| TargetProblem::Line(shown(line)))?;
        let address = address.trim();
        Ok(Target {
            method: method(name)?,
            url: url(address)?,
            written: address.to_owned(),
            headers: self.defaults.headers.clone(),
            body: self.defaults.body.clone(),
        })
    }
}

/// Whether a line begins a target: a word in capitals and a space.
fn begins(line: &str) -> bool {
    let word = line.split(char::is_whitespace).next().unwrap_or_default();
    !word.is_empty() && word.len() < line.len() && word.bytes().all(|byte| byte.is_ascii_uppercase())
}

impl<R: BufRead> Iterator for HttpTargets<R> {
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
