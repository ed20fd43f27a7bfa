//! The response future: a refusal, or the inner call together with its permit.

use std::convert::Infallible;
use std::task::{Context, Poll};

use tower::Service;

use super::error::AdmissionError;
use super::shared::Permit;
use crate::held::{Held, Hold};
use crate::refusal::Refusal;

/// The response of an [`Admission`](super::Admission). Dropping it gives the permit back.
pub type AdmissionFuture<S, R> = Held<S, R, Permit, AdmissionError<<S as Service<R>>::Error>>;

impl<T, E> Hold<T, E> for Permit {
    type Line = Infallible;

    fn poll_turn(line: &mut Infallible, _: &mut Context<'_>) -> Poll<Result<Self, Refusal>> {
        match *line {}
    }
}
