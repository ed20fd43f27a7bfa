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
//! That is one [`Strategy`] of five, each a different answer to who is held back ([`Strategy`] compares
//! them), and first come, first served is one [`policy::Discipline`] of several
//! ([`policy::DeadlineAware`], [`policy::AdaptiveLifo`], [`policy::PriorityQueue`],
//! [`policy::BoundedWait`]). What they do under twice the load (ten workers, exponential service times of
//! 100 ms, a deadline of 500 ms; goodput ÷ capacity, measured in this crate's tests):
//!
//! | queue | goodput at 2× | at 10× |
//! |---|---|---|
//! | first come, without a bound | 0.00 | 0.00 |
//! | the same, dropping the doomed | 0.65–0.70 | 0.63 |
//! | capped at 20 | 0.93–0.96 | 0.93 |
//! | CoDel with adaptive LIFO, dropping the doomed | 0.97–1.00 | 0.97 |
//!
//! Cleverness costs a little where there is no overload: at 0.7 times the capacity adaptive LIFO, with its
//! target of 5 ms against a worker that becomes free every 10 ms, sheds one call in fifty.
//!
//! What a call goes through:
//!
//! ```text
//! call ──a worker is free──▶ running ──done or dropped──▶ the worker goes to whoever is next
//!   ├────there is room─────▶ waiting ──its turn──▶ running
//!   │                           ├──dropped──▶ out of the queue
//!   │                           └──shed, displaced──▶ refused
//!   └────otherwise─────────▶ refused
//! ```
//!
//! Invariants: never more running than workers; never more waiting than the queue allows; never a worker
//! idle while somebody waits; a newcomer never takes a worker that a waiter could have. They hold under
//! cancellation at any moment: a waiter that is dropped leaves the queue, one that is dropped after its
//! turn came but before it noticed passes the worker on, one that was shed is told so. Limits that are
//! lowered at run time interrupt nothing: the excess runs out.
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

mod credit;
mod error;
mod future;
mod handle;
mod layer;
mod pace;
mod service;
mod shared;
mod strategy;
mod terms;

pub use credit::{
    AcquireCredit, Credit, CreditCall, CreditFuture, CreditGate, CreditLayer, CreditPolicy, CreditSettings,
    Credits, InvalidCredits,
};
pub use error::BackpressureError;
pub use future::WorkerPoolFuture;
pub use handle::WorkerPoolHandle;
pub use layer::WorkerPoolLayer;
pub use policy::{CodelSettings, PoolLimits, Queue};
pub use service::WorkerPool;
pub use strategy::{Front, PoolConfig, Strategy};
pub use terms::{CallTerms, NoTerms, TermsOf};
