//! Hedging: ask twice when the answer is late, and take the first.
//!
//! Where many machines answer, a few calls are slow for reasons of one machine (a queue, a pause, a lost
//! packet), and another one would have answered long ago. A second attempt for the slowest few cuts the
//! tail of the latency at the price of a few more calls (Dean and Barroso, *The Tail at Scale*, 2013). It
//! does nothing for a dependency that is slow as a whole, and would harm it; so hedges have a budget.
//!
//! * **When**: after a fixed delay, or after a percentile of the latencies of late. Until there are enough
//!   of them nobody is hedged. A call that was hedged is measured from its beginning, so its latency stays
//!   above the percentile that it exceeded and does not pull it down.
//! * **How many**: at most a share of the calls that may be hedged ([`Budget`](crate::Budget); 10 % by
//!   default, no floor). One hedge per call.
//! * **What**: only requests that the caller says are idempotent. The others pass through, neither
//!   counted nor measured.
//!
//! ```text
//! first ──answer before the delay, good or bad──▶ its result        (a failure is for retries)
//!   └──the delay is over──▶ budget says no ──▶ goes on alone
//!            └──▶ both ──first success──▶ its result, the other is dropped
//!                   └──both fail──▶ the result of the first
//! ```
//!
//! Both attempts run in the caller's own future; the loser is dropped before the winner's result is out, so
//! whatever it held is free by then. Dropping the future drops both. Give it two doors to knock at: a hedge
//! that goes through the same concurrency limit or breaker inside counts there as a call of its own.
//!
//! ```
//! use std::time::Duration;
//! use resilience::Class;
//! use resilience::hedging::{HedgeDelay, HedgeLayer, HedgeLimits};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let limits = HedgeLimits { delay: HedgeDelay::Fixed(Duration::from_millis(50)), ..HedgeLimits::default() };
//! let classify = |_: &u32, result: &Result<u32, std::io::Error>| match result {
//!     Ok(_) => Class::Success,
//!     Err(_) => Class::Failure { retryable: true, retry_after: None },
//! };
//! let layer = HedgeLayer::new(limits, |_: &u32| true, classify);
//! let service = layer.layer(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) }));
//! assert_eq!(service.oneshot(41).await.unwrap(), 42);
//! assert_eq!((layer.handle().calls(), layer.handle().hedged()), (1, 0));
//! # });
//! ```

mod future;
mod layer;
mod observer;
mod policy;
mod service;
mod shared;

pub use future::HedgeFuture;
pub use layer::HedgeLayer;
pub use observer::{Attempt, HedgeObserver};
pub use policy::{HedgeDelay, HedgeLimits, Hedging, Percentile};
pub use service::Hedge;
pub use shared::HedgeHandle;
