//! The response future: a refusal, or the inner call together with its permit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::rule::{Judge, Rule};
use super::shared::Permit;
use crate::admission::AdmissionError;
use crate::refusal::Refusal;

pin_project! {
    /// The response of a [`Guard`](super::Guard). Dropping it gives the permit back, and the rule learns
    /// nothing about the other side.
    pub struct GuardFuture<S, R, P, J>
    where
        S: Service<R>,
        P: Rule,
    {
        #[pin]
        state: State<S, R, P, J>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, P, J>
    where
        S: Service<R>,
        P: Rule,
    {
        Refused { refusal: Refusal },
        // The order matters: fields are dropped as they are declared, so the place becomes free only
        // after the work in it is gone.
        Running { #[pin] call: Oneshot<S, R>, permit: Permit<P>, judge: J },
        Done,
    }
}

impl<S, R, P, J> GuardFuture<S, R, P, J>
where
    S: Service<R>,
    P: Rule,
{
    pub(super) const fn refused(refusal: Refusal) -> Self {
        Self { state: State::Refused { refusal } }
    }

    pub(super) const fn running(call: Oneshot<S, R>, permit: Permit<P>, judge: J) -> Self {
        Self { state: State::Running { call, permit, judge } }
    }
}

impl<S, R, P, J> Future for GuardFuture<S, R, P, J>
where
    S: Service<R>,
    P: Rule,
    J: Judge<S::Response, S::Error>,
{
    type Output = Result<S::Response, AdmissionError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let output = match state.as_mut().project() {
            StateProjection::Refused { refusal } => Err(AdmissionError::Refused(*refusal)),
            StateProjection::Running { call, permit, judge } => {
                let result = ready!(call.poll(cx));
                permit.set_outcome(judge.judge(&result));
                result.map_err(AdmissionError::Inner)
            }
            StateProjection::Done => panic!("polled after it was done"),
        };
        // Not left to the owner of the future: who keeps a finished future does not keep a permit.
        state.set(State::Done);
        Poll::Ready(output)
    }
}

impl<S, R, P, J> fmt::Debug for GuardFuture<S, R, P, J>
where
    S: Service<R>,
    P: Rule,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "Refused",
            State::Running { .. } => "Running",
            State::Done => "Done",
        };
        f.debug_struct("GuardFuture").field("state", &state).finish_non_exhaustive()
    }
}
