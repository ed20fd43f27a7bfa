//! The rules of the house that a machine can check: walls between crates, sizes and marks in the sources,
//! documents that say what is true, licences, schemas.

mod documents;
mod hosts;
mod licences;
mod repo;
mod schemas;
mod sources;
mod walls;
