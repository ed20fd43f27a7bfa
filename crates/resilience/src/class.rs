//! How a call ended, in neutral terms: what retries and hedges have to know, and no more.

use std::time::Duration;

/// The class of one attempt's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Class {
    /// An answer that there is no reason to ask for again. That is also a plain no ("declined", "not
    /// found", "malformed"): asking again would get the same.
    Success,
    /// It surely had no effect.
    Failure {
        /// Whether another attempt may well succeed.
        retryable: bool,
        /// Not before so long; what the other side asked for.
        retry_after: Option<Duration>,
    },
    /// It may have had its effect: a timeout after sending, a connection lost while waiting.
    Unknown {
        /// Whether a repetition cannot have the effect twice (a read, or a call with an idempotency key).
        safe_to_retry: bool,
    },
}

/// Tells what a result means. Every `Fn(&R, &Result<T, E>) -> Class` is one.
///
/// This is where a protocol is known: the crate itself knows none.
pub trait Classifier<R, T, E> {
    /// The class of `result`, the answer to `request`.
    fn classify(&self, request: &R, result: &Result<T, E>) -> Class;
}

impl<F, R, T, E> Classifier<R, T, E> for F
where
    F: Fn(&R, &Result<T, E>) -> Class,
{
    fn classify(&self, request: &R, result: &Result<T, E>) -> Class {
        self(request, result)
    }
}

/// What a call that failed may have done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Effect {
    /// Nothing: it was not begun.
    None,
    /// Nobody here knows: it was begun and its answer never came.
    Unknown,
}
