//! The platform's services as their clients see them, in simulated worlds.

mod admin;
mod bad_input;
mod constraints;
mod doors;
mod endpoints;
mod events;
mod identity;
mod metrics;
mod monolith;
mod naive;
mod observability;
mod quota;
mod readiness;
mod strategies;
mod support;
mod unknown_outcomes;
