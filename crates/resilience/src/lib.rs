//! Constraints that keep a service alive under more load than it can carry, as [`tower`] layers.
//!
//! Each constraint is two things: a **pure policy** (now and what happened in, a decision out; no clock,
//! no lock, no runtime, so that it can be tested and reasoned about by itself) and a **layer** that
//! applies it to any `tower::Service`, whatever its requests are. Nothing here knows HTTP.
//!
//! | constraint | question it answers | module |
//! |---|---|---|
//! | admission | may this call come in at all? | [`admission`] |
//! | backpressure | who works now, who waits, who is told to come back? | [`backpressure`] |
//! | timeouts | how long is anybody waited for, and is it too late to begin? | [`timeouts`] |
//! | retries | is another attempt worth its load, and when? | [`retries`] |
//! | breaker | is the dependency to be left alone for now? | [`breaker`] |
//! | hedging | is the answer so late that a second question pays? | [`hedging`] |
//!
//! Common to all of them:
//!
//! * **Always ready.** `poll_ready` never waits and never fails. A caller that is kept pending in
//!   `poll_ready` is an invisible queue without a bound; here a call is refused at once, as an error
//!   value with a [`Refusal`] in it.
//! * **The inner service's readiness is honoured, inside the limit.** Each call clones the inner service
//!   and drives the clone, first to readiness and then through the call (`tower::util::Oneshot`). The
//!   stored service is never polled and never called, so no readiness that a clone obtained (or did not)
//!   can be mistaken for that of another. An inner service that is slow to become ready holds a permit
//!   meanwhile: it waits inside the bound and does not look like an overload by itself.
//! * **Cancel safety.** Dropping a response future at any moment gives back what the call held, after
//!   the inner future is dropped. The same happens when the inner future panics.
//! * **No tasks.** Nothing is spawned; all work happens in the caller's poll.
//! * **One state per layer value.** Services made by one layer, and clones of it, share its limits: a
//!   router that applies a layer to each route has one limit, not one per route.
//! * **Visible and changeable.** An [`Observer`] sees every change, refusals included; a handle reads and
//!   sets limits at run time.
//!
//! Time is tokio's clock, so that a paused runtime can test it all without waiting.

pub mod admission;
pub mod backpressure;
pub mod breaker;
pub mod hedging;
pub mod idempotency;
pub mod retries;
pub mod timeouts;

mod budget;
mod class;
mod clock;
mod observer;
mod priority;
mod randomness;
mod ratio;
mod refusal;
mod slots;

pub use budget::{Budget, BudgetLimits, Withdrawal};
pub use class::{Class, Classifier, Effect};
pub use observer::Observer;
pub use priority::Priority;
pub use randomness::Randomness;
pub use ratio::{InvalidRatio, Ratio};
pub use refusal::{Reason, Refusal};
