//! Writing result files.

use std::io::{self, Write};
use std::str::FromStr;

use csv::WriterBuilder;

use super::{Hit, csv as columns, json};
use crate::quantity::LoadError;

/// A format that is written.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum HitFormat {
    /// One JSON object a line.
    #[default]
    Json,
    /// Twelve columns, no header.
    Csv,
}

impl FromStr for HitFormat {
    type Err = LoadError;

    fn from_str(text: &str) -> Result<Self, LoadError> {
        match text {
            "json" => Ok(Self::Json),
            "csv" => Ok(Self::Csv),
            "gob" => Err(LoadError::Gob),
            other => Err(LoadError::HitFormat(other.to_owned())),
        }
    }
}

/// Writes hits, each complete at once.
#[derive(Debug)]
pub struct HitWriter<W: Write> {
    format: HitFormat,
    writer: W,
}

impl<W: Write> HitWriter<W> {
    /// Writes to `writer`, which should buffer.
    #[must_use]
    pub fn new(writer: W, format: HitFormat) -> Self {
        Self { format, writer }
    }

    /// Writes one hit.
    ///
    /// # Errors
    /// When the writer takes it not.
    pub fn write(&mut self, hit: &Hit) -> io::Result<()> {
        match self.format {
            HitFormat::Json => self.writer.write_all(&json::line(hit)),
            HitFormat::Csv => {
                let mut record = WriterBuilder::new().from_writer(Vec::new());
                record.write_record(columns::fields(hit))?;
                let line = record.into_inner().expect("memory takes every write");
                self.writer.write_all(&line)
            }
        }
    }

    /// Hands on what was written.
    ///
    /// # Errors
    /// When the writer cannot.
    pub fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }

    /// The writer.
    #[must_use]
    pub fn into_inner(self) -> W {
        self.writer
    }
}
