//! Reading result files, one hit at a time, in whichever of the formats they are.
//!
//! A report that leaves something out without a word would be worse than none: what cannot be read is an error that
//! names the file and the line, also a last line that was cut off because its writer was killed.
//! Bounded: no line or record is longer than [`LINE_BYTES_MAX`].

use std::cell::Cell;
use std::io::{self, BufRead, Read};
use std::rc::Rc;

use csv::{ReaderBuilder, StringRecord};
use thiserror::Error;

use super::{Hit, csv as columns, json};

/// The longest line of a result file: a body of 1 MiB in base64 fits many times.
pub const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Why a result file cannot be read.
#[derive(Debug, Error)]
#[error("{file}:{line}: {problem}")]
pub struct ReadError {
    /// The file's name.
    pub file: String,
    /// The line, from 1 on.
    pub line: u64,
    /// What is wrong there.
    pub problem: ReadProblem,
}

/// What is wrong with a line.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum ReadProblem {
    /// The file ends within a result.
    #[error("the file ends in the middle of a result")]
    CutOff,
    /// It is no JSON object with the keys of a result.
    #[error("no result: {0} (column {1})")]
    Json(String, usize),
    /// It is no CSV.
    #[error("no CSV: {0}")]
    Csv(String),
    /// Another number of columns.
    #[error("a result has 12 columns, not {0}")]
    Columns(usize),
    /// A field that cannot be.
    #[error("`{0}` cannot be `{1}`")]
    Field(&'static str, String),
    /// The line is longer than any result.
    #[error("the line is longer than {LINE_BYTES_MAX} bytes")]
    TooLong,
    /// Neither JSON nor CSV.
    #[error("neither JSON lines nor CSV")]
    Unknown,
    /// The system could not read on.
    #[error(transparent)]
    Io(io::Error),
}

/// The hits of a file, in the order of the file. Ends after the first error.
#[derive(Debug)]
pub struct Hits<R> {
    file: String,
    kind: Kind<R>,
}

#[derive(Debug)]
enum Kind<R> {
    Json { reader: R, line: u64 },
    Csv { reader: Box<csv::Reader<Bounded<R>>>, seen: Rc<Seen> },
    Done,
}

impl<R: BufRead> Hits<R> {
    /// Looks at the first byte to know the format; an empty file has no hits.
    ///
    /// # Errors
    /// When it is neither format, or cannot be read at all.
    pub fn new(file: impl Into<String>, mut reader: R) -> Result<Self, ReadError> {
        let file = file.into();
        let wrong = |problem| ReadError { file: file.clone(), line: 1, problem };
        let first = loop {
            let seen = reader.fill_buf().map_err(|error| wrong(ReadProblem::Io(error)))?;
            match seen.first() {
                Some(b'\n' | b'\r' | b' ') => reader.consume(1),
                first => break first.copied(),
            }
        };
        let kind = match first {
            None => Kind::Done,
            Some(b'{') => Kind::Json { reader, line: 0 },
            Some(b'0'..=b'9' | b'-') => {
                let seen = Rc::<Seen>::default();
                let bounded = Bounded { inner: reader, seen: Rc::clone(&seen) };
                let reader = ReaderBuilder::new().has_headers(false).flexible(true).from_reader(bounded);
                Kind::Csv { reader: Box::new(reader), seen }
            }
            Some(_) => return Err(wrong(ReadProblem::Unknown)),
        };
        Ok(Self { file, kind })
    }

    fn next_hit(&mut self) -> Result<Option<Hit>, (u64, ReadProblem)> {
        match &mut self.kind {
            Kind::Done => Ok(None),
            Kind::Json { reader, line } => next_json(reader, line),
            Kind::Csv { reader, seen } => next_csv(reader, seen),
        }
    }
}

fn next_json<R: BufRead>(reader: &mut R, line: &mut u64) -> Result<Option<Hit>, (u64, ReadProblem)> {
    loop {
        *line += 1;
        let mut text = Vec::new();
        let read = reader.take(LINE_BYTES_MAX as u64 + 1).read_until(b'\n', &mut text);
        read.map_err(|error| (*line, ReadProblem::Io(error)))?;
        if text.is_empty() {
            return Ok(None);
        }
        if text.len() > LINE_BYTES_MAX {
            return Err((*line, ReadProblem::TooLong));
        }
        let is_last = text.last() != Some(&b'\n');
        let text = text.trim_ascii();
        if !text.is_empty() {
            return json::parse(text, is_last).map(Some).map_err(|problem| (*line, problem));
        }
    }
}

/// A record that is not followed by the end of its line may have lost a part of its last column: it is refused.
fn next_csv<R: Read>(
    reader: &mut csv::Reader<Bounded<R>>,
    seen: &Seen,
) -> Result<Option<Hit>, (u64, ReadProblem)> {
    seen.left.set(LINE_BYTES_MAX);
    let mut record = StringRecord::new();
    let read = reader.read_record(&mut record);
    let line = record.position().map_or_else(|| reader.position().line(), csv::Position::line);
    match read {
        Err(error) => Err((line, csv_problem(error))),
        Ok(false) if matches!(seen.last.get(), None | Some(b'\n')) => Ok(None),
        Ok(false) => Err((reader.position().line(), ReadProblem::CutOff)),
        Ok(true) => columns::parse(&record).map(Some).map_err(|problem| {
            let is_last = matches!(reader.read_record(&mut record), Ok(false));
            let is_cut = is_last && seen.last.get() != Some(b'\n');
            (line, if is_cut { ReadProblem::CutOff } else { problem })
        }),
    }
}

fn csv_problem(error: csv::Error) -> ReadProblem {
    match error.into_kind() {
        csv::ErrorKind::Io(error) if error.kind() == io::ErrorKind::FileTooLarge => ReadProblem::TooLong,
        csv::ErrorKind::Io(error) => ReadProblem::Io(error),
        csv::ErrorKind::Utf8 { .. } => ReadProblem::Csv("the text is no UTF-8".to_owned()),
        other => ReadProblem::Csv(format!("{other:?}")),
    }
}

impl<R: BufRead> Iterator for Hits<R> {
    type Item = Result<Hit, ReadError>;

    fn next(&mut self) -> Option<Self::Item> {
        match self.next_hit() {
            Ok(hit) => hit.map(Ok),
            Err((line, problem)) => {
                self.kind = Kind::Done;
                Some(Err(ReadError { file: self.file.clone(), line, problem }))
            }
        }
    }
}

/// What a [`Bounded`] reader has let through.
#[derive(Debug)]
struct Seen {
    /// Bytes that this record may still take.
    left: Cell<usize>,
    last: Cell<Option<u8>>,
}

impl Default for Seen {
    fn default() -> Self {
        Self { left: Cell::new(LINE_BYTES_MAX), last: Cell::new(None) }
    }
}

/// Fails when a record takes more bytes than any may: a quote that is never closed would swallow the whole file.
#[derive(Debug)]
struct Bounded<R> {
    inner: R,
    seen: Rc<Seen>,
}

impl<R: Read> Read for Bounded<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        let left = self.seen.left.get().checked_sub(read);
        self.seen.left.set(left.ok_or(io::ErrorKind::FileTooLarge)?);
        if let Some(&last) = buffer[..read].last() {
            self.seen.last.set(Some(last));
        }
        Ok(read)
    }
}
