//! The laboratory from outside.

mod bad_input;
mod cells;
mod designs;
mod erlang;
mod expectations;
mod observability;
mod serve;
