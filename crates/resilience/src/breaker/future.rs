//! The response future: a refusal, or the inner call together with its permit.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::Service;
use tower::util::Oneshot;

use super::error::BreakerError;
use super::service::Judge;
use super::shared::Permit;
use crate::refusal::Refusal;

pin_project! {
    /// The response of a [`BreakerService`](super::BreakerService). Dropping it is no failure.
    pub struct BreakerFuture<S, R, J>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R, J>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, J>
    where
        S: Service<R>,
    {
        Refused { refusal: Refusal },
        // The order matters: fields are dropped as they are declared, so a probe's place becomes free
        // only after the probe is gone.
        Running { #[pin] call: Oneshot<S, R>, permit: Permit, judge: J },
        Done,
    }
}

impl<S, R, J> BreakerFuture<S, R, J>
where
    S: Service<R>,
{
    pub(super) const fn refused(refusal: Refusal) -> Self {
        Self { state: State::Refused { refusal } }
    }

    pub(super) const fn running(call: Oneshot<S, R>, permit: Permit, judge: J) -> Self {
        Self { state: State::Running { call, permit, judge } }
    }
}

impl<S, R, J> Future for BreakerFuture<S, R, J>
where
    S: Service<R>,
    J: Judge<S::Response, S::Error>,
{
    type Output = Result<S::Response, BreakerError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        let output = match state.as_mut().project() {
            StateProjection::Refused { refusal } => Err(BreakerError::Refused(*refusal)),
            StateProjection::Running { call, permit, judge } => {
                let result = ready!(call.poll(cx));
                permit.finish(judge.judge(&result));
                result.map_err(BreakerError::Inner)
            }
            StateProjection::Done => panic!("polled after it was done"),
        };
        // Not left to the owner of the future: who keeps a finished future does not keep a probe's place.
        state.set(State::Done);
        Poll::Ready(output)
    }
}

impl<S, R, J> fmt::Debug for BreakerFuture<S, R, J>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "Refused",
            State::Running { .. } => "Running",
            State::Done => "Done",
        };
        f.debug_struct("BreakerFuture").field("state", &state).finish_non_exhaustive()
    }
}
