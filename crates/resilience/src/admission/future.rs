//! The response future: a refusal, or the inner call together with its permit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::error::AdmissionError;
use super::shared::Permit;
use crate::refusal::Refusal;

pin_project! {
    /// The response of an [`Admission`](super::Admission). Dropping it gives the permit back.
    pub struct AdmissionFuture<S, R>
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
        // The order matters: fields are dropped as they are declared, so the place becomes free only
        // after the work in it is gone.
        Running { #[pin] call: Oneshot<S, R>, permit: Permit },
        Done,
    }
}

impl<S, R> AdmissionFuture<S, R>
where
    S: Service<R>,
{
    pub(super) const fn refused(refusal: Refusal) -> Self {
        Self { state: State::Refused { refusal } }
    }

    pub(super) const fn running(call: Oneshot<S, R>, permit: Permit) -> Self {
        Self { state: State::Running { call, permit } }
    }
}

impl<S, R> Future for AdmissionFuture<S, R>
where
    S: Service<R>,
{
    type Output = Result<S::Response, AdmissionError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let output = match state.as_mut().project() {
            StateProjection::Refused { refusal } => Err(AdmissionError::Refused(*refusal)),
            StateProjection::Running { call, .. } => ready!(call.poll(cx)).map_err(AdmissionError::Inner),
            StateProjection::Done => panic!("polled after it was done"),
        };
        // Not left to the owner of the future: who keeps a finished future does not keep a permit.
        state.set(State::Done);
        Poll::Ready(output)
    }
}

impl<S, R> fmt::Debug for AdmissionFuture<S, R>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "Refused",
            State::Running { .. } => "Running",
            State::Done => "Done",
        };
        f.debug_struct("AdmissionFuture").field("state", &state).finish_non_exhaustive()
    }
}
