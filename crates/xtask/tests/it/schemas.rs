//! The schemas in the tree are those of the code.

use std::collections::BTreeSet;

use xtask::schema;

#[test]
fn the_schemas_in_the_tree_are_those_of_the_code() {
    for file in schema::files() {
        let kept = std::fs::read_to_string(schema::folder().join(file.name)).unwrap_or_default();
        assert!(kept == file.text, "{} is out of date: cargo run -p xtask -- schema", file.name);
    }
}

#[test]
fn no_schema_is_left_over() {
    let wanted: BTreeSet<_> = schema::files().iter().map(|file| file.name.to_owned()).collect();
    let kept: BTreeSet<_> = std::fs::read_dir(schema::folder())
        .expect("docs/schema exists")
        .map(|entry| entry.expect("the folder can be read").file_name().to_string_lossy().into_owned())
        .collect();
    assert_eq!(kept, wanted);
}
