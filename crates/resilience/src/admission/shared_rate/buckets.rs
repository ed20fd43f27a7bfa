//! The port: where the buckets are that processes share.

use std::fmt::Debug;
use std::num::NonZeroU32;
use std::time::Duration;

use async_trait::async_trait;
use thiserror::Error;

use crate::admission::policy::Rate;

/// What a bucket gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Taken {
    /// A token.
    Token {
        /// Whole tokens that are left.
        left: u32,
    },
    /// None: there was no whole one.
    Empty {
        /// Until there is one, if nobody else is quicker.
        retry_after: Duration,
    },
}

/// The store of the buckets failed. Whether a token was taken is unknown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("the shared buckets are unavailable: {reason}")]
pub struct BucketsError {
    /// In the store's words.
    pub reason: String,
}

/// Buckets that processes share, by name. Their rule is [`TokenBucket`](crate::admission::TokenBucket)'s, by the
/// store's own clock, rounded to its own unit (a microsecond at most, never in the caller's favour).
#[async_trait]
pub trait SharedBuckets: Debug + Send + Sync {
    /// Takes a token out of a bucket of this rate and burst, if there is one. A bucket that nobody knows is full; one
    /// that was asked for with another rate or burst goes on with the tokens it has. Atomic.
    ///
    /// # Errors
    /// When the store fails.
    async fn take(&self, name: &str, rate: Rate, burst: NonZeroU32) -> Result<Taken, BucketsError>;
}
