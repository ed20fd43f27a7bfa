//! The laboratory from outside.

mod bad_input;
mod designs;
mod expectations;
