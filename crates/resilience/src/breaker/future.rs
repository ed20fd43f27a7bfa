//! The response future: a refusal, or the inner call together with its permit and whoever judges its result.

use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use tower::Service;

use super::error::BreakerError;
use super::service::Judge;
use super::shared::Permit;
use crate::held::{Held, Hold};
use crate::refusal::Refusal;

/// The response of a [`BreakerService`](super::BreakerService). Dropping it is no failure.
pub type BreakerFuture<S, R, J> = Held<S, R, Judged<J>, BreakerError<<S as Service<R>>::Error>>;

/// A permit, and who tells the breaker what the result says about the dependency.
pub struct Judged<J> {
    pub(super) permit: Permit,
    pub(super) judge: J,
}

impl<J: Judge<T, E>, T, E> Hold<T, E> for Judged<J> {
    type Line = Infallible;

    fn poll_turn(line: &mut Infallible, _: &mut Context<'_>) -> Poll<Result<Self, Refusal>> {
        match *line {}
    }

    fn ended(&mut self, result: &Result<T, E>) {
        self.permit.finish(self.judge.judge(result));
    }
}

impl<J> fmt::Debug for Judged<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judged").field("permit", &self.permit).finish_non_exhaustive()
    }
}
