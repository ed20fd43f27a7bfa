//! Admission control: refuse early what cannot be served in time.
//!
//! Without it a service accepts everything, its response time grows without bound, and in the end all
//! of its work is for callers who have left. Admission decides at the door, in microseconds, and never
//! queues: a call comes in or is refused with [`Refusal`](crate::Refusal). Two policies:
//!
//! * [`ConcurrencyLimit`]: at most so many calls in flight. It follows the service's real speed by
//!   itself (Little's law: throughput = in flight ÷ response time), so it protects also when the
//!   dependency behind turns slow. The better default.
//! * [`TokenBucket`]: at most so many calls per second, with a burst. It bounds the caller's rate
//!   whatever the service can do: right for quotas, blind to a service that became slow.
//!   [`LeakyBucket`] is the same reckoned from the other side; as a queue it paces
//!   ([`backpressure`](crate::backpressure)).
//!
//! What these do not know (how long calls take, whose they are, how important) is the business of the
//! rules behind a [`guard::GuardLayer`]:
//!
//! * [`adaptive`]: a concurrency limit that finds itself (Gradient2, Vegas, AIMD).
//! * [`fairness`]: a limit shared out among tenants, so that one of them cannot have it all.
//! * [`priorities`]: a limit of which a part is kept for the important; the least important is shed first.
//! * [`throttle`]: on the client's side, before an overloaded server has to refuse.
//!
//! [`shared_rate`] is a rate that several processes keep together, with the bucket in a store that all of them reach.
//!
//! A permit is held from the call until its response future is finished or dropped; a response's body
//! that streams on afterwards is not covered. Bounds: calls in flight never exceed the concurrency
//! limit; admitted calls in any window of t seconds never exceed rate × t + burst. Under failure nothing
//! accumulates here: a service that hangs keeps its permits, and everything else is refused, which is
//! visible as in-flight at its limit. Freeing those is the business of a timeout inside.
//!
//! ```
//! use std::time::Duration;
//! use resilience::admission::{AdmissionLayer, Limiter};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let layer = AdmissionLayer::new(Limiter::concurrency(64, Duration::from_secs(1)));
//! let service = layer.layer(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) }));
//! assert_eq!(service.oneshot(41).await.unwrap(), 42);
//! assert_eq!(layer.handle().in_flight(), 0);
//! # });
//! ```

pub mod adaptive;
pub mod fairness;
pub mod guard;
pub mod priorities;
pub mod shared_rate;
pub mod throttle;

mod error;
mod future;
mod layer;
mod policy;
mod service;
mod shared;

pub use error::AdmissionError;
pub use future::AdmissionFuture;
pub use layer::AdmissionLayer;
pub use policy::{ConcurrencyLimit, InvalidRate, LeakyBucket, Limiter, Quota, Rate, TokenBucket};
pub use service::Admission;
pub use shared::AdmissionHandle;
