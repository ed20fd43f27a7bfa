//! The laboratory from outside.

mod bad_input;
mod cells;
mod designs;
mod erlang;
mod expectations;
mod monolith;
mod observability;
mod serve;
