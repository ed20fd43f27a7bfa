//! Backpressure: a bounded number of workers, a short and visible queue, and a plain no for the rest.
//!
//! [`WorkerPoolLayer`] lets at most `workers` calls run at once; at most `queue` more wait, first come
//! first served; whoever comes then is refused at once. A worker is not a task: it is the right to run,
//! and the work itself happens in the caller's own future.
//!
//! Why a queue at all, where admission refuses: a short one rides out bursts of a few service times
//! without leaving workers idle. Why bounded: everything in an unbounded queue is late in the end. Its
//! length is a latency: queue ÷ workers × service time is what the last in line waits. Set `workers` to
//! what the dependency behind can really do at once, and nothing will wait inside it, unseen.
//!
//! What a call goes through:
//!
//! ```text
//! call ──a worker is free──▶ running ──done or dropped──▶ the worker goes to the first in line
//!   ├────there is room─────▶ waiting ──its turn──▶ running
//!   │                           └──dropped──▶ out of the queue
//!   └────otherwise─────────▶ refused
//! ```
//!
//! Invariants: never more running than workers; never more waiting than the queue allows; never a worker
//! idle while somebody waits; a newcomer never overtakes a waiter. They hold under cancellation at any
//! moment: a waiter that is dropped leaves the queue, one that is dropped after its turn came but before
//! it noticed passes the worker on. Limits that are lowered at run time interrupt nothing: the excess
//! runs out.
//!
//! ```
//! use std::time::Duration;
//! use resilience::backpressure::{PoolLimits, WorkerPoolLayer};
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let layer = WorkerPoolLayer::new(PoolLimits { workers: 32, queue: 16 }, Duration::from_secs(1));
//! let service = layer.layer(service_fn(|n: u32| async move { Ok::<_, std::io::Error>(n + 1) }));
//! assert_eq!(service.oneshot(41).await.unwrap(), 42);
//! assert_eq!((layer.handle().running(), layer.handle().waiting()), (0, 0));
//! # });
//! ```

pub mod policy;

mod error;
mod future;
mod layer;
mod service;
mod shared;

pub use error::BackpressureError;
pub use future::WorkerPoolFuture;
pub use layer::WorkerPoolLayer;
pub use policy::PoolLimits;
pub use service::WorkerPool;
pub use shared::WorkerPoolHandle;
