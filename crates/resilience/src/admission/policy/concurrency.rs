//! At most so many calls at once.

use std::time::Duration;

use crate::refusal::{Reason, Refusal};

/// Admits while fewer than `limit` calls are in flight. Who counts them is the caller's business.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConcurrencyLimit {
    /// The most calls in flight. 0 refuses everything. A limit lowered below what is in flight refuses
    /// until enough of it has ended; it interrupts nothing.
    pub limit: usize,
    /// What the refused are told: a hint, because nobody knows when a call will end.
    pub retry_after: Duration,
}

impl ConcurrencyLimit {
    /// Whether one more call may come in.
    ///
    /// # Errors
    /// A refusal when the limit is reached.
    pub const fn admit(&self, in_flight: usize) -> Result<(), Refusal> {
        if in_flight < self.limit {
            Ok(())
        } else {
            Err(Refusal { reason: Reason::ConcurrencyLimit, retry_after: self.retry_after })
        }
    }
}
