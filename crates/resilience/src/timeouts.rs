//! Timeouts: nobody waits for ever, and nothing is begun that nobody waits for.
//!
//! Without them a dependency that went silent keeps every call that it ever got, and what those hold: the
//! caller stays dead long after the dependency is back. A [`TimeoutLayer`] gives a call an end. It is
//! used in two places, told apart by their [`Scope`]:
//!
//! * **request**, outside of retries: all attempts, pauses and queues together;
//! * **attempt**, inside of them: so that one silent attempt leaves time for another.
//!
//! Both reckon with a [`Deadline`], a point in time that the request carries. What came in with the
//! request can only be shortened, never extended: a layer allots the earlier of *now + its limit* and *the
//! carried deadline less its reserve*, and writes that into the request, so that everything further in
//! knows how long it is waited for. Between machines a deadline travels as what remains of it (clocks
//! differ): [`Deadline::to_send`] on one side, [`Deadline::after`] on the other, each hop having
//! subtracted what it spent. After gRPC's deadline propagation.
//!
//! Why not `tower::timeout`: it knows no deadline, starts what is late already, boxes its error, and its
//! error cannot tell what was not begun from what may have happened:
//!
//! ```text
//! call ──no time left──────────────▶ Expired    it had no effect: safe to repeat
//!   └──▶ waiting (inner not ready) ──the end──▶ Expired
//!           └──▶ begun ──the end──▶ TimedOut    it may have had its effect: unknown
//!                  └──answer──▶ the answer
//! ```
//!
//! *Begun* means that the inner service was called. If that is a queue, the work may not have been begun
//! even so: put another timeout inside of the queue, which knows better and starts nothing late.
//!
//! The time runs from the first poll, which is when something is begun; only what the request carries runs on
//! before that. Units: durations; tokio's timer is exact to a millisecond, never early. Defaults: no limit, no reserve.
//! An answer that is there in the poll that also finds the deadline passed is given, not thrown away.
//! Dropping the future ends the call and counts as nothing. The layer belongs *inside* a breaker, which
//! would take a call that is dropped from outside for a caller's cancellation.
//!
//! ```
//! use std::time::Duration;
//! use resilience::timeouts::{TimeLimits, TimeoutError, TimeoutLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let layer = TimeoutLayer::new(TimeLimits::attempt(Duration::from_millis(10)));
//! let silent = layer.layer(service_fn(|_: u32| std::future::pending::<Result<u32, std::io::Error>>()));
//! assert!(matches!(silent.oneshot(1).await, Err(TimeoutError::TimedOut { .. })));
//! assert_eq!(layer.handle().timed_out(), 1);
//! # });
//! ```

mod deadline;
mod error;
mod future;
mod layer;
mod observer;
mod policy;
mod service;
mod shared;
mod word;

pub use deadline::{Carrier, Deadline, HasDeadline, InRequest, Nowhere};
pub use error::TimeoutError;
pub use future::TimeoutFuture;
pub use layer::TimeoutLayer;
pub use observer::TimeoutObserver;
pub use policy::{Allotment, Scope, TimeLimits};
pub use service::Timeout;
pub use shared::TimeoutHandle;
