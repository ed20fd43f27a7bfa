//! A rate that several processes share: one bucket of tokens for all of them, in a store they all reach.
//!
//! A [`TokenBucket`](super::TokenBucket) in each of n replicas lets n times its rate through, and dividing the rate by
//! n is wrong as soon as a balancer is uneven or a replica dies. So the bucket is in a store
//! ([`SharedBuckets`]), which takes a token in one atomic step.
//!
//! * **The time is the store's.** The replicas' clocks differ, and a bucket that is asked by two clocks either gains
//!   tokens or starves the slower one. So nobody says what time it is; the store looks at its own clock.
//! * **The store is not worth an outage.** Whoever cannot reach it within [`timeout`](SharedRate::timeout) goes on with
//!   a bucket of its own, of the same rate and burst. That bucket follows what the process let in meanwhile, so it
//!   does not begin with a fresh burst. Replicas that are cut off let at most n times the rate through.
//!   After a failure the store is left alone for [`rest`](SharedRate::rest), and then tried by one call at a time:
//!   being without it costs one call per rest a timeout, and all others nothing. Each decision
//!   that was made without it is told to the [`SharedRateObserver`].
//! * **A token is taken before the call, and not given back**, also when the call is dropped while it asks.
//!
//! ```
//! use std::{num::NonZeroU32, sync::Arc};
//! use resilience::admission::{Rate, shared_rate::{MemoryBuckets, SharedRate, SharedRateLayer}};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(async {
//! let buckets = Arc::new(MemoryBuckets::default());
//! let rate = SharedRate::new("orders", Rate::per_second(1.0).unwrap(), NonZeroU32::MIN);
//! let echo = service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n) });
//! let [one, other] = [0, 1].map(|_| SharedRateLayer::new(rate.clone(), buckets.clone()).layer(echo));
//! assert_eq!(one.oneshot(1).await.unwrap(), 1);
//! assert!(other.oneshot(2).await.is_err(), "the other replica finds the bucket empty");
//! # });
//! ```

pub mod contract;

mod buckets;
mod layer;
mod memory;
mod policy;
mod service;
mod shared;

pub use buckets::{BucketsError, SharedBuckets, Taken};
pub use layer::{SharedRate, SharedRateLayer};
pub use memory::MemoryBuckets;
pub use service::{SharedRateFuture, SharedRateService};
pub use shared::{Pass, SharedRateObserver};
