//! Chores of this repository, as functions, so that the tidy tests in `tests/it` can ask whether they are done.
//!
//! `cargo run -p xtask -- schema` writes the JSON Schemas in `docs/schema/`; `cargo test -p xtask` says when they
//! are out of date, and holds the tree to the rules of the house.

pub mod schema;
