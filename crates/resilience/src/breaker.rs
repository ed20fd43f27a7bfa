//! Circuit breaker: leave a dependency alone that fails, and find out cheaply when it is back.
//!
//! Without one, every call to a dead dependency waits for its timeout, and every call to a struggling one
//! adds to its struggle. The breaker watches results; when too many are failures, or too many are slow, it
//! refuses for a while at once, and then lets a few probes decide.
//!
//! ```text
//!          failure or slow share reached
//!  closed ───────────────────────────────▶ open ◀──────────────┐
//!    ▲                                      │ its time is over: │ too many probes failed or were slow,
//!    │   enough probes were well            ▼ the next call     │ or they hang: open for twice as long
//!    └───────────────────────────────── half-open ──────────────┘
//!
//!  forced open (refuses all) and forced closed (lets all through): by hand, until resumed
//! ```
//!
//! * **Windows**: the last n calls, or the calls of the last so many seconds (in eleven slots of a tenth).
//! * **Two shares**: failures and slow calls, each with its threshold, judged from `calls_min` calls on.
//!   A dependency that answers everything, too late, is as dead as one that answers nothing.
//! * **Probes** are bounded: never more than `probes` at once *and* never more than that many judged. As soon
//!   as the rest of them cannot change the verdict it falls.
//! * **Open** lasts `open` the first time and doubles up to `open_max` for as long as probes fail; closing resets
//!   it. A refusal carries the exact time that remains; while half-open a guess.
//! * **Epochs**: a result counts only in the state in which its call began. A slow answer from before the
//!   breaker opened says nothing about now.
//! * **Cancellation is no failure**: a future that is dropped is not judged, and a probe that is dropped
//!   gives its place to the next. So a timeout has to stand *inside* of the breaker: from outside it
//!   would be a caller that left. Retries stand outside: each attempt asks the breaker.
//!
//! Invariants: probes in flight never exceed `probes`; nothing is let through before the open time is over;
//! a breaker never stays half-open for lack of places: probes that hang for `probe_max` count as failed.
//! It only wakes up when somebody calls, so an open breaker whose time is over reads as open with nothing
//! remaining. States and terms after Nygard (*Release It!*), windows and slow calls after resilience4j.
//!
//! ```
//! use resilience::breaker::{BreakerLayer, BreakerLimits, BreakerState, Health};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let judge = |result: &Result<u32, std::io::Error>| match result {
//!     Ok(_) => Health::Good,
//!     Err(_) => Health::Bad,
//! };
//! let layer = BreakerLayer::new(BreakerLimits::default(), judge).expect("the defaults are valid");
//! let service = layer.layer(service_fn(|_: u32| async { Err(std::io::Error::other("down")) }));
//! for n in 0..30 {
//!     let _ = service.clone().oneshot(n).await;
//! }
//! assert_eq!(layer.handle().state(), BreakerState::Open);
//! # });
//! ```

mod error;
mod future;
mod layer;
mod observer;
mod policy;
mod service;
mod shared;

pub use error::BreakerError;
pub use future::BreakerFuture;
pub use layer::BreakerLayer;
pub use observer::BreakerObserver;
pub use policy::{
    Breaker, BreakerLimits, BreakerReading, BreakerState, InvalidBreaker, Pass, SlowLimit, Transition, Window,
};
pub use service::{BreakerService, Health, Judge};
pub use shared::BreakerHandle;
