//! The JSON Schemas of the files that people and programs read and write, generated from the types that do it.
//!
//! They are kept in the tree so that an editor can use them without building anything; a test compares the two.

use std::path::{Path, PathBuf};

use schemars::{JsonSchema, schema_for};

/// One schema file as it should be.
#[derive(Debug)]
pub struct SchemaFile {
    /// Its name within [`folder`].
    pub name: &'static str,
    /// Its content.
    pub text: String,
}

/// Where the schemas are kept.
#[must_use]
pub fn folder() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/schema")
}

/// All schemas, generated now.
#[must_use]
pub fn files() -> Vec<SchemaFile> {
    vec![
        file::<lab::designs::DesignFile>("design.schema.json"),
        file::<lab::experiment::ExperimentFile>("experiment.schema.json"),
        file::<lab::evidence::record::Record>("record.schema.json"),
        file::<lab::evidence::campaign::Campaign>("campaign.schema.json"),
    ]
}

fn file<T: JsonSchema>(name: &'static str) -> SchemaFile {
    let mut text = serde_json::to_string_pretty(&schema_for!(T)).expect("a schema is plain JSON");
    text.push('\n');
    SchemaFile { name, text }
}
