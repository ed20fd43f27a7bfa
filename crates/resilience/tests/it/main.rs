//! The layers as a user meets them: through `tower`, on a paused clock or polled by hand.

mod admission;
mod backpressure;
mod breaker;
mod goodput;
mod guard;
mod hedging;
mod idempotency;
mod model;
mod retries;
mod shared_rate;
mod strategies;
mod support;
mod timeouts;
