//! One machine for all rules that look at calls, and at how they end.
//!
//! [`AdmissionLayer`](super::AdmissionLayer) knows a count and a clock, which is all that a fixed limit
//! needs. The rules here need more: whose call it is (fairness), how important (priorities), how long it
//! took and whether the other side coped (adaptive limits, throttling). A [`Rule`] is the pure policy;
//! the layer around it is always the same, so that cancel safety is written, and tested, once.
//!
//! ```text
//! call ──tag──▶ Rule::admit ──pass──▶ running ──result──▶ judge ──outcome──▶ Rule::end
//!                   └──refused                └──dropped────Outcome::Unknown──▶ Rule::end
//! ```
//!
//! Invariants: for each admitted call `end` is called exactly once, after the inner future is gone; a
//! call that its caller gave up, or that panicked, ends as [`Outcome::Unknown`] and is never held against
//! the other side. Tag and judge run outside of the lock, the rule inside it.

mod future;
mod layer;
mod rule;
mod service;
mod shared;

pub use future::GuardFuture;
pub use layer::GuardLayer;
pub use rule::{ErrorsAreOverload, Judge, Outcome, Rule, Tagger, Untagged};
pub use service::Guard;
pub use shared::GuardHandle;
