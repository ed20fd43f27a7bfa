//! Retries: try again what may well succeed, seldom enough to do no harm.
//!
//! A transient failure is best answered by another attempt. A dependency that is overloaded is killed by
//! exactly that: retries multiply the load when there is too much of it. So each bound has its place:
//!
//! * **attempts** per call, at most `attempts_max`;
//! * a **budget** over all calls ([`Budget`](crate::Budget), after Finagle): retries are at most a share of
//!   the calls, 20 % by default, plus a floor of 10 per second for quiet hours. It is what keeps a brownout
//!   from becoming an outage;
//! * **pauses** with exponential backoff and full jitter, `rand(0, min(cap, base·2ⁿ))` (Brooker, *Exponential
//!   Backoff and Jitter*, AWS 2015), so that those who failed together do not come back together;
//! * **Retry-After**: what the other side asks for is honoured up to `retry_after_max`, and the jitter comes on
//!   top, so that not everybody comes back at that very moment;
//! * the **deadline** that a request carries ([`Carrier`](crate::timeouts::Carrier)): a pause that would
//!   end after it is not begun.
//!
//! Why not `tower::retry`: its policy decides and sleeps in one, it knows no Retry-After, no deadline and no
//! unknown outcome, and a retry that is cancelled in its pause has cost the budget.
//!
//! **Unknown is not failure.** A [`Classifier`](crate::Classifier) tells what a result means. What may have
//! had its effect is repeated only when it says that this is safe. And when the last attempt of several
//! surely had no effect, an earlier one may have had: [`Trail::unknown`] says so to the hook that concludes.
//!
//! ```text
//! attempt ──success, or nothing to gain──▶ its result
//!    ▲  └──may be repeated──▶ attempts, deadline, budget (in this order): none of them says no
//!    └──────────pause◀──────────┘                                        └─one says no─▶ its result
//! ```
//!
//! Each attempt gets a clone of the request and of the inner service. Timeouts per attempt and breakers
//! stand inside, a timeout for the whole request outside. Dropping the future ends the attempt; in a
//! pause it gives back what the retry would have cost. Chance comes from the caller.
//!
//! ```
//! use resilience::Class;
//! use resilience::retries::{RetryLayer, RetryLimits};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap().block_on(async {
//! let classify = |_: &u32, result: &Result<u32, std::io::Error>| match result {
//!     Ok(_) => Class::Success,
//!     Err(_) => Class::Failure { retryable: true, retry_after: None },
//! };
//! let layer = RetryLayer::new(RetryLimits::default(), classify, || 0.5);
//! let service = layer.layer(service_fn(|_: u32| async { Err(std::io::Error::other("down")) }));
//! assert!(service.oneshot(1).await.is_err());
//! assert_eq!(layer.handle().attempts(), 3);
//! # });
//! ```

mod future;
mod hooks;
mod layer;
mod observer;
mod policy;
mod service;
mod shared;

pub use future::RetryFuture;
pub use hooks::{Hooks, Trail};
pub use layer::RetryLayer;
pub use observer::RetryObserver;
pub use policy::{Backoff, Decision, GiveUp, Retries, RetryLimits};
pub use service::Retry;
pub use shared::RetryHandle;
