//! HTTP as every service here speaks it: problem details, request ids, traces, bounded bodies.

pub(crate) mod body;
pub(crate) mod common;
pub(crate) mod context;
pub(crate) mod deadline;
#[cfg(test)]
mod fuzz;
pub(crate) mod ids;
pub(crate) mod key;
pub(crate) mod log_span;
pub(crate) mod openapi;
pub(crate) mod priority;
pub(crate) mod problem;
pub(crate) mod rate_limit;
pub(crate) mod readiness;
pub(crate) mod recording;
pub(crate) mod segment;
pub(crate) mod trace;
pub(crate) mod upstream;

pub(crate) use context::RequestContext;
pub(crate) use problem::{Problem, ProblemKind};
