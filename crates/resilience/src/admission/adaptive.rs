//! A concurrency limit that finds itself.
//!
//! A fixed limit has to be derived from the capacity behind it, and is wrong after the next deployment.
//! Response times tell what no configuration knows: while calls only run, more of them at once take no
//! longer; once they queue, they do. So the limit is moved by what was measured, as a congestion window
//! is in TCP. Three algorithms, all after Netflix's *concurrency-limits* (its classes `Gradient2Limit`,
//! `VegasLimit` and `AIMDLimit`; "Performance Under Load", Landau, Thurston and Bozarth 2018):
//!
//! * [`Gradient2`]: compares the last window's mean with a long-term mean. Follows a dependency that gets
//!   faster or slower for good. The better default where response times vary by nature.
//! * [`Vegas`] (after Brakmo and Peterson, 1995): reckons the queue from the shortest time ever seen.
//!   Sharper where an unloaded call always takes the same; too strict where it does not.
//! * [`Aimd`] (after Chiu and Jain, 1989): looks at failures alone, and so knows of trouble only once
//!   there is some. Right where times say nothing, as behind a cache.
//!
//! Samples are gathered over a [`Window`] (1 s and 10 samples by default; Netflix's `WindowedLimit`), so
//! that one slow call moves nothing. Times are those of calls that were accepted; one overloaded call
//! marks its window as dropping. What ended as unknown moves nothing at all: callers that leave make no
//! limit shrink.
//!
//! States: the estimate is a fraction, the limit its whole part, never outside of its [`LimitBounds`]. It
//! grows only while at least half of it is used, or an idle service would collect a limit that it never
//! earned. In failure: when everything is overloaded the limit shrinks to its minimum and stays there,
//! which is what keeps probing; a dependency whose times double for good is followed by `Gradient2`
//! within some 600 windows and by `Vegas` at its next probe.
//!
//! ```
//! use std::time::Duration;
//! use resilience::admission::adaptive::{Adaptive, AdaptiveLimit, LimitBounds};
//! use resilience::admission::guard::GuardLayer;
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let limit = AdaptiveLimit::gradient2(20, LimitBounds::new(5, 200).unwrap());
//! let layer = GuardLayer::new(Adaptive::new(limit, Duration::from_secs(1)));
//! let service = layer.layer(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) }));
//! assert_eq!(service.oneshot(41).await.unwrap(), 42);
//! assert_eq!(layer.handle().limit(), Some(20));
//! # });
//! ```

mod aimd;
mod gradient2;
mod limit;
mod rule;
mod vegas;
mod window;

pub use aimd::Aimd;
pub use gradient2::Gradient2;
pub use limit::{AdaptiveLimit, Algorithm, InvalidBounds, LimitBounds};
pub use rule::{Adaptive, Began};
pub use vegas::Vegas;
pub use window::{Sample, Window};

#[cfg(test)]
mod tests;
