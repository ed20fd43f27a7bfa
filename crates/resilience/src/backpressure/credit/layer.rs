//! A credit for each call, or a refusal at its place of origin.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower::{Layer, Service, ServiceExt};

use super::gate::{Credit, CreditGate};
use crate::backpressure::BackpressureError;
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
        let state = match self.gate.try_acquire() {
            Ok(credit) => State::Running { call: self.inner.clone().oneshot(request), credit },
            Err(refusal) => State::Refused { refusal },
        };
        CreditFuture { state }
    }
}

pin_project! {
    /// The response of a [`CreditCall`]. Dropping it gives the credit back.
    pub struct CreditFuture<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R>
    where
        S: Service<R>,
    {
        Refused { refusal: Refusal },
        // The order matters: the credit comes back only after its call is gone.
        Running { #[pin] call: Oneshot<S, R>, credit: Credit },
        Done,
    }
}

impl<S, R> Future for CreditFuture<S, R>
where
    S: Service<R>,
{
    type Output = Result<S::Response, BackpressureError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let output = match state.as_mut().project() {
            StateProjection::Refused { refusal } => Err(BackpressureError::Refused(*refusal)),
            StateProjection::Running { call, .. } => ready!(call.poll(cx)).map_err(BackpressureError::Inner),
            StateProjection::Done => panic!("polled after it was done"),
        };
        // Not left to the owner of the future: who keeps a finished future does not keep a credit.
        state.set(State::Done);
        Poll::Ready(output)
    }
}

impl<S, R> fmt::Debug for CreditFuture<S, R>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "Refused",
            State::Running { .. } => "Running",
            State::Done => "Done",
        };
        f.debug_struct("CreditFuture").field("state", &state).finish_non_exhaustive()
    }
}
