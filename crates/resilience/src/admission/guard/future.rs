//! The response future: a refusal, or the inner call together with its permit and whoever judges its result.

use std::convert::Infallible;
use std::fmt;
use std::task::{Context, Poll};

use tower::Service;

use super::rule::{Judge, Rule};
use super::shared::Permit;
use crate::admission::AdmissionError;
use crate::held::{Held, Hold};
use crate::refusal::Refusal;

/// The response of a [`Guard`](super::Guard). Dropping it gives the permit back, and the rule learns
/// nothing about the other side.
pub type GuardFuture<S, R, P, J> = Held<S, R, Judged<P, J>, AdmissionError<<S as Service<R>>::Error>>;

/// A permit, and who tells the rule how its call ended.
pub struct Judged<P: Rule, J> {
    pub(super) permit: Permit<P>,
    pub(super) judge: J,
}

impl<P: Rule, J: Judge<T, E>, T, E> Hold<T, E> for Judged<P, J> {
    type Line = Infallible;

    fn poll_turn(line: &mut Infallible, _: &mut Context<'_>) -> Poll<Result<Self, Refusal>> {
        match *line {}
    }

    fn ended(&mut self, result: &Result<T, E>) {
        self.permit.set_outcome(self.judge.judge(result));
    }
}

impl<P: Rule, J> fmt::Debug for Judged<P, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Judged").finish_non_exhaustive()
    }
}
