//! A credit for each call, or a refusal at its place of origin.

use std::convert::Infallible;
use std::task::{Context, Poll};

use tower::{Layer, Service};

use super::gate::{Credit, CreditGate};
use crate::backpressure::BackpressureError;
use crate::held::{Held, Hold};
use crate::refusal::Refusal;

/// Takes a credit of a gate for each call, and refuses the call when there is none. It belongs where calls
/// come from, before anything is sent. An upstream that would rather wait asks the gate itself.
#[derive(Clone, Debug)]
pub struct CreditLayer {
    gate: CreditGate,
}

impl CreditLayer {
    /// A layer that takes from `gate`, which is its handle too.
    #[must_use]
    pub const fn new(gate: CreditGate) -> Self {
        Self { gate }
    }
}

impl<S> Layer<S> for CreditLayer {
    type Service = CreditCall<S>;

    fn layer(&self, inner: S) -> CreditCall<S> {
        CreditCall { inner, gate: self.gate.clone() }
    }
}

/// A service whose calls need a credit each. Made by [`CreditLayer`].
#[derive(Clone, Debug)]
pub struct CreditCall<S> {
    inner: S,
    gate: CreditGate,
}

impl<S, R> Service<R> for CreditCall<S>
where
    S: Service<R> + Clone,
{
    type Response = S::Response;
    type Error = BackpressureError<S::Error>;
    type Future = CreditFuture<S, R>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        CreditFuture::new(self.gate.try_acquire(), &mut self.inner, request)
    }
}

/// The response of a [`CreditCall`]. Dropping it gives the credit back.
pub type CreditFuture<S, R> = Held<S, R, Credit, BackpressureError<<S as Service<R>>::Error>>;

impl<T, E> Hold<T, E> for Credit {
    type Line = Infallible;

    fn poll_turn(line: &mut Infallible, _: &mut Context<'_>) -> Poll<Result<Self, Refusal>> {
        match *line {}
    }
}
