//! Walking a plan against a world.

use std::future::Future;

use node::Node;

use crate::{Action, FaultPlan};

/// What a world offers to be disturbed by. Control is out of band: an implementation reaches its
/// hosts directly, never over the network that it disturbs.
pub trait Target {
    /// Does it now: what is awaited is the doing, never that it shows.
    ///
    /// # Errors
    /// When the world has no such host or cannot do such a thing.
    fn apply(&self, action: &Action) -> impl Future<Output = Result<(), ChaosError>>;
}

/// Why an action could not be done.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ChaosError {
    /// The world has no host of this name.
    #[error("no host {host:?} to disturb, expected one of {}", known.join(", "))]
    UnknownHost {
        /// The host that was named.
        host: String,
        /// The hosts there are.
        known: Vec<String>,
    },
    /// The world cannot do this.
    #[error("not possible in this world: {action}")]
    Unsupported {
        /// What was asked for.
        action: String,
    },
    /// It was tried, and went wrong.
    #[error("{action}: {reason}")]
    Failed {
        /// What was tried.
        action: String,
        /// Why it went wrong.
        reason: String,
    },
}

/// Applies each step of the plan at its time; the plan's time zero is the moment of the first poll.
///
/// Cancel safe in the sense that nothing more is applied after it was dropped; what was begun is not
/// ended then.
///
/// # Errors
/// The first error of the target. The steps after it are not applied.
pub async fn inject(node: &Node, plan: &FaultPlan, target: &impl Target) -> Result<(), ChaosError> {
    let start = node.now();
    for step in plan.steps() {
        node.sleep((start + step.at).saturating_duration_since(node.now())).await;
        target.apply(&step.action).await?;
    }
    Ok(())
}
