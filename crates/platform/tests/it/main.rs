//! The platform's services as their clients see them, in simulated worlds.

mod admin;
mod bad_input;
mod constraints;
mod endpoints;
mod identity;
mod naive;
mod observability;
mod support;
mod unknown_outcomes;
