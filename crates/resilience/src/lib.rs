//! Constraints that keep a service alive under more load than it can carry, as [`tower`] layers.
//!
//! Each constraint is two things: a **pure policy** (now and what happened in, a decision out; no clock,
//! no lock, no runtime, so that it can be tested and reasoned about by itself) and a **layer** that
//! applies it to any `tower::Service`, whatever its requests are. Nothing here knows HTTP.
//!
//! | constraint | question it answers | module | example |
//! |---|---|---|---|
//! | admission | may this call come in at all? A limit of calls in flight, or of calls per second | [`admission`] | |
//! | shared rates | the same, for all replicas together | [`admission::shared_rate`] | |
//! | adaptive limits | how many calls at once are good for it? | [`admission::adaptive`] | |
//! | fairness | has this tenant more than its share? | [`admission::fairness`] | |
//! | priorities | who has to go when not all can stay? | [`admission::priorities`] | |
//! | throttling | is it worth asking a server that refuses so much? | [`admission::throttle`] | |
//! | idempotency | did this call come before? | [`idempotency`] | `idempotency` |
//! | timeouts | how long is it waited for, and is there time to begin at all? | [`timeouts`] | `timeouts` |
//! | retries | is it worth asking again, and when? | [`retries`] | `retries` |
//! | hedging | is it worth asking twice, because the answer is late? | [`hedging`] | `hedging` |
//! | breaker | is the dependency there at all? | [`breaker`] | `breaker` |
//! | backpressure | who works now, who waits, who is told to come back? | [`backpressure`] | |
//!
//! The examples run on a plain axum service: `cargo run -p resilience --example idempotency`.
//!
//! # In which order
//!
//! From outside to inside, each with the reason why it stands there. Nobody needs all of them.
//!
//! | | layer | why there |
//! |---|---|---|
//! | 1 | whatever detaches work from its caller | permits and keys live with the work: nothing outside would know that it goes on |
//! | 2 | admission | what is refused here has cost nothing yet, not even a look at a record |
//! | 3 | idempotency | a replay or a joined call takes nothing further in; and a timeout inside ends a call with a result, where one outside would drop it in the middle |
//! | 4 | timeout of the request | all attempts, pauses and queues together; it writes the deadline into the request for all that follow |
//! | 5 | retries, or hedging | each attempt asks everything below by itself |
//! | 6 | breaker, or throttling | an attempt that is not worth it takes no worker and does not wait; it judges what comes out of the timeout below |
//! | 7 | backpressure | directly around the work that it bounds: its workers are what the dependency can do at once |
//! | 8 | timeout of the attempt | inside the queue, so that waiting does not count and nothing is begun late; inside the breaker, so that silence is a failure and no cancellation |
//!
//! What a layer refuses is an error to the layers outside of it. A breaker's judge and a retry's classifier
//! have to tell it from a failure of the dependency: the full queue of (7) is not the dependency's fault,
//! and another attempt would meet it again.
//!
//! # What `tower` has, and where it is right
//!
//! * `ServiceBuilder`, `Oneshot`, `service_fn`, `MapRequest` and the like: used as they are.
//! * `ConcurrencyLimit` and `RateLimit` wait in `poll_ready`: right for a producer that has nothing else to
//!   do, an invisible queue without a bound before a server.
//! * `LoadShed` refuses whenever what is inside is merely pending, whatever the reason, and does not say
//!   when to come back.
//! * `Timeout` knows no deadline and cannot tell what was not begun from what may have happened;
//!   `Retry` knows neither `Retry-After` nor the unknown ([`timeouts`] and [`retries`] say more).
//! * `Buffer` spawns a task, and its queue is bounded but not visible.
//!
//! # What it costs
//!
//! Nanoseconds per call on one core of a shared server (x86-64, November 2026; the lowest tenth of several
//! hundred samples over four runs of `cargo bench -p resilience`): one caller alone, and each of 64 at once whose
//! answers are late. 3 and 325 of them are the bench itself. Nobody watches: an [`Observer`] costs a lock each
//! time, and what it does.
//!
//! | layer | here | `tower` | `tower-resilience` |
//! |---|---|---|---|
//! | concurrency limit | 34, 364 | 56, 381 | 305, 659 |
//! | rate limit | 85, 414 | 28, – (for one caller: it cannot be shared) | 158, 505 |
//! | worker pool, half of the 64 waiting | 48, 500 | 54, 478 (no bound on who waits) | 253, 686 |
//! | timeout | 55, 561 | 53, 523 (fixed, counts nothing) | 181, 651 |
//! | breaker | 145, 474 | – | 297, 630 |
//! | retries with a budget | 55, 397 | 66, 395 | 130, 464 |
//! | two limits, two timeouts, retries, breaker | 528, 1205 | 321, 923 (without a breaker) | 1747, 2475 |
//! | idempotency, new key | 1674, 2317 | – | – |
//! | idempotency, known key | 513, 748 | – | – |
//!
//! So `tower` is quicker where it does less: at a rate limit for a single caller, by 5 to 7 % at a timeout and
//! before a full pool, and as a stack, which it has no breaker for. Its retries among 64 callers cost the same.
//! Everywhere else, and everywhere beside `tower-resilience`, these are quicker.
//!
//! # What is common to all of them
//!
//! * **Always ready.** `poll_ready` never waits and never fails. A caller that is kept pending in
//!   `poll_ready` is an invisible queue without a bound; here a call is refused at once, as an error
//!   value with a [`Refusal`] in it.
//! * **The inner service's readiness is honoured, inside the limit.** Once a call is let in, the inner service
//!   is asked whether it is ready, and if so called then and there: no readiness is kept that another call
//!   could take for its own. If not, the service that was asked moves into the call, which drives it to
//!   readiness, and a clone takes its place. An inner service that is slow to become ready holds a permit
//!   meanwhile: it waits inside the bound and does not look like an overload by itself. (A timeout calls it at
//!   the first poll, and idempotency after the records were asked.)
//! * **Cancel safety.** Dropping a response future at any moment gives back what the call held, after
//!   the inner future is dropped. The same happens when the inner future panics.
//! * **No tasks.** Nothing is spawned; all work happens in the caller's poll.
//! * **One state per layer value.** Services made by one layer, and clones of it, share its limits: a
//!   router that applies a layer to each route has one limit, not one per route.
//! * **Visible and changeable.** An [`Observer`] sees every change, refusals included; a handle reads and
//!   sets limits at run time.
//!
//! Time is tokio's clock, so that a paused runtime can test it all without waiting. Chance is passed in
//! ([`Randomness`]). Nothing here depends on anything else: same calls in the same order, same decisions.
//!
//! # Minimum Rust version
//!
//! 1.88 (edition 2024, `let` chains), as `rust-version` in `Cargo.toml` says. It may rise with a minor version.

pub mod admission;
pub mod backpressure;
pub mod breaker;
pub mod hedging;
pub mod idempotency;
pub mod retries;
pub mod timeouts;

mod budget;
mod call;
mod class;
mod clock;
mod held;
mod observer;
mod places;
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
