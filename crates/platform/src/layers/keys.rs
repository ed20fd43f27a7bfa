//! What the idempotency layers of the services have in common.

use node::Node;
use rand::Rng as _;
use resilience::idempotency::{IdempotencyError, Process};

use crate::web::{Problem, ProblemKind};

/// This process among those that use the same records: a restarted one is another.
pub(crate) fn process(node: &Node) -> Process {
    let owner = node.rng(&format!("idempotency-owner/{}", node.elapsed().as_micros())).next_u64();
    let node = node.clone();
    // The run's own timeline and not the wall clock, which may jump: a lease must not end because of that.
    Process { owner, since_epoch: Box::new(move || node.elapsed()) }
}

/// What a caller is told whose key stands in its way.
pub(crate) fn idempotency_problem<E>(error: &IdempotencyError<E>) -> Problem {
    match error {
        IdempotencyError::InProgress { retry_after } => {
            Problem::from(ProblemKind::KeyInProgress).retry_after_s(retry_after.as_secs().max(1))
        }
        IdempotencyError::Mismatch => ProblemKind::KeyMismatch.into(),
        IdempotencyError::MissingKey => Problem::new(ProblemKind::BadHeader, "Idempotency-Key is required"),
        IdempotencyError::InvalidKey(reason) => Problem::new(ProblemKind::BadHeader, reason.to_string()),
        IdempotencyError::Records(error) => {
            // The request is told, and readiness tells for as long as it lasts: a line for each would say no more.
            tracing::debug!(%error, "the idempotency records failed");
            Problem::from(ProblemKind::StoreUnavailable).retry_after_s(1)
        }
        IdempotencyError::Unreadable(_) | IdempotencyError::Inner(_) => ProblemKind::Internal.into(),
    }
}
