//! The laboratory from outside.

mod bad_input;
mod cells;
mod designs;
mod expectations;
mod serve;
