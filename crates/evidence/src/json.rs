//! The record as JSON: stable bytes that people and line-by-line comparison can read.
//!
//! Objects are indented; an array stands on one line, because a record is mostly series of numbers and one
//! number a line would bury everything else. Reading refuses a schema that this version does not know,
//! before it complains about anything in it.

use std::io::{self, Write};

use serde::{Deserialize, Serialize};
use serde_json::ser::{Formatter, Serializer};

use crate::record::{Record, SCHEMA};

/// Why a text is no record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RecordError {
    /// Not JSON, or not the fields of a record; the source says what and where.
    #[error("not a run record")]
    Malformed(#[source] serde_json::Error),
    /// Written by another version.
    #[error("schema {found} is unknown: this version reads {SCHEMA}")]
    UnknownSchema {
        /// The schema that the text declares.
        found: u64,
    },
}

impl Record {
    /// The record as indented JSON with a newline at the end. The same record gives the same bytes.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut bytes = Vec::new();
        self.serialize(&mut Serializer::with_formatter(&mut bytes, Indented::default()))
            .expect("a record has text keys only, and memory takes every write");
        bytes.push(b'\n');
        String::from_utf8(bytes).expect("JSON is written as UTF-8")
    }

    /// Reads a record back.
    ///
    /// # Errors
    /// When the text is not JSON, lacks a field, holds a wrong one (the source names line and column), or
    /// declares another schema than [`SCHEMA`].
    pub fn from_json(text: &str) -> Result<Self, RecordError> {
        #[derive(Deserialize)]
        struct Declared {
            schema: u64,
        }

        let declared: Declared = serde_json::from_str(text).map_err(RecordError::Malformed)?;
        if declared.schema != u64::from(SCHEMA) {
            return Err(RecordError::UnknownSchema { found: declared.schema });
        }
        serde_json::from_str(text).map_err(RecordError::Malformed)
    }
}

/// Objects over many lines, arrays on one.
#[derive(Debug, Default)]
struct Indented {
    depth: usize,
    /// Whether the innermost object that was just written has a member.
    has_member: bool,
}

impl Indented {
    fn new_line<W: ?Sized + Write>(&self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b"\n")?;
        (0..self.depth).try_for_each(|_| writer.write_all(b"  "))
    }
}

impl Formatter for Indented {
    fn begin_array_value<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b", " })
    }

    fn begin_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth += 1;
        self.has_member = false;
        writer.write_all(b"{")
    }

    fn begin_object_key<W: ?Sized + Write>(&mut self, writer: &mut W, first: bool) -> io::Result<()> {
        writer.write_all(if first { b"" } else { b"," })?;
        self.new_line(writer)
    }

    fn begin_object_value<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        writer.write_all(b": ")
    }

    fn end_object_value<W: ?Sized + Write>(&mut self, _writer: &mut W) -> io::Result<()> {
        self.has_member = true;
        Ok(())
    }

    fn end_object<W: ?Sized + Write>(&mut self, writer: &mut W) -> io::Result<()> {
        self.depth -= 1;
        if self.has_member {
            self.new_line(writer)?;
        }
        writer.write_all(b"}")
    }
}

#[cfg(test)]
mod tests {
    use std::error::Error;

    use super::*;

    fn empty() -> Record {
        Record {
            schema: SCHEMA,
            experiment: "ladder".into(),
            world: "sim".into(),
            seed: 1,
            wall_s: 0.5,
            warnings: vec![],
            not_modelled: vec!["disks".into()],
            sections: vec![],
            searches: vec![],
            cells: vec![],
        }
    }

    #[test]
    fn writes_objects_over_lines_and_arrays_on_one() {
        let expected = r#"{
  "schema": 1,
  "experiment": "ladder",
  "world": "sim",
  "seed": 1,
  "wall_s": 0.5,
  "not_modelled": ["disks"],
  "cells": []
}
"#;
        assert_eq!(empty().to_json(), expected);
    }

    #[test]
    fn refuses_a_schema_that_it_does_not_know() {
        let text = r#"{"schema": 2, "all": "else is new"}"#;
        let error = Record::from_json(text).expect_err("schema 2 is not ours");
        assert_eq!(error.to_string(), "schema 2 is unknown: this version reads 1");
    }

    #[test]
    fn says_where_a_text_is_no_record() {
        let text = empty().to_json().replace("\"seed\": 1", "\"seed\": -1");
        let error = Record::from_json(&text).expect_err("a seed is not negative");
        assert_eq!(error.to_string(), "not a run record");
        let source = error.source().expect("the cause").to_string();
        assert!(source.contains("at line 5 column"), "{source}");
    }

    #[test]
    fn what_is_no_json_is_no_record() {
        assert!(matches!(Record::from_json(""), Err(RecordError::Malformed(_))));
        assert!(matches!(Record::from_json("{}"), Err(RecordError::Malformed(_))));
    }
}
