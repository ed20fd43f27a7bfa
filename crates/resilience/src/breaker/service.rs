//! The service: asks the breaker in `call`, and is always ready to.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::error::BreakerError;
use super::future::{BreakerFuture, Judged};
use super::shared::Shared;

/// What a result says about the dependency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Health {
    /// It did what it is there for. That is also a plain no ("declined", "not found", "malformed").
    Good,
    /// It failed, or its answer never came.
    Bad,
    /// Nothing: it was never asked (a refusal on this side, a deadline that had passed).
    Unjudged,
}

/// Tells what a result says about the dependency. Every `Fn(&Result<T, E>) -> Health` is one.
pub trait Judge<T, E> {
    /// What `result` says.
    fn judge(&self, result: &Result<T, E>) -> Health;
}

impl<F, T, E> Judge<T, E> for F
where
    F: Fn(&Result<T, E>) -> Health,
{
    fn judge(&self, result: &Result<T, E>) -> Health {
        self(result)
    }
}

/// A service behind a breaker. Made by [`BreakerLayer`](super::BreakerLayer).
#[derive(Clone)]
pub struct BreakerService<S, J> {
    inner: S,
    shared: Arc<Shared>,
    judge: J,
}

impl<S, J> BreakerService<S, J> {
    pub(super) const fn new(inner: S, shared: Arc<Shared>, judge: J) -> Self {
        Self { inner, shared, judge }
    }
}

impl<S, R, J> Service<R> for BreakerService<S, J>
where
    S: Service<R> + Clone,
    J: Judge<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = BreakerError<S::Error>;
    type Future = BreakerFuture<S, R, J>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// The decision falls here, and the call's time runs from here. A probe keeps its place until the future
    /// is done or dropped.
    fn call(&mut self, request: R) -> Self::Future {
        let held = self.shared.admit().map(|permit| Judged { permit, judge: self.judge.clone() });
        BreakerFuture::new(held, &mut self.inner, request)
    }
}

impl<S: fmt::Debug, J> fmt::Debug for BreakerService<S, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut f = f.debug_struct("BreakerService");
        f.field("inner", &self.inner).field("shared", &self.shared).finish_non_exhaustive()
    }
}
