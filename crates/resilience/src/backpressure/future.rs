//! The response future: a refusal, a start to wait for, a place in line, or the inner call with its worker.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::util::Oneshot;
use tower::{Service, ServiceExt};

use super::error::BackpressureError;
use super::pace::Pace;
use super::shared::{Entry, Waiter, Worker};
use crate::refusal::Refusal;

pin_project! {
    /// The response of a [`WorkerPool`](super::WorkerPool). Dropping it leaves the queue or frees the worker.
    pub struct WorkerPoolFuture<S, R>
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
        Pacing { pace: Pace, call: Option<(S, R)> },
        Waiting { waiter: Waiter, call: Option<(S, R)> },
        // The order matters: fields are dropped as they are declared, so the worker becomes free only
        // after its work is gone.
        Running { #[pin] call: Oneshot<S, R>, worker: Worker },
        Done,
    }
}

impl<S, R> WorkerPoolFuture<S, R>
where
    S: Service<R>,
{
    pub(super) const fn refused(refusal: Refusal) -> Self {
        Self { state: State::Refused { refusal } }
    }

    pub(super) const fn pacing(pace: Pace, service: S, request: R) -> Self {
        Self { state: State::Pacing { pace, call: Some((service, request)) } }
    }

    pub(super) const fn waiting(waiter: Waiter, service: S, request: R) -> Self {
        Self { state: State::Waiting { waiter, call: Some((service, request)) } }
    }

    pub(super) const fn running(call: Oneshot<S, R>, worker: Worker) -> Self {
        Self { state: State::Running { call, worker } }
    }
}

impl<S, R> Future for WorkerPoolFuture<S, R>
where
    S: Service<R>,
{
    type Output = Result<S::Response, BackpressureError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let output = match state.as_mut().project() {
                StateProjection::Refused { refusal } => Err(BackpressureError::Refused(*refusal)),
                StateProjection::Pacing { pace, call } => {
                    let entry = ready!(pace.poll_entry(cx));
                    let (service, request) = call.take().expect("it is paced once");
                    state.set(match entry {
                        Entry::Run(worker) => State::Running { call: service.oneshot(request), worker },
                        Entry::Wait(waiter) => State::Waiting { waiter, call: Some((service, request)) },
                        Entry::Pace(pace) => State::Pacing { pace, call: Some((service, request)) },
                        Entry::Refuse(refusal) => State::Refused { refusal },
                    });
                    continue;
                }
                StateProjection::Waiting { waiter, call } => match ready!(waiter.poll_turn(cx)) {
                    Ok(worker) => {
                        let (service, request) = call.take().expect("it waits once");
                        state.set(State::Running { call: service.oneshot(request), worker });
                        continue;
                    }
                    Err(refusal) => Err(BackpressureError::Refused(refusal)),
                },
                StateProjection::Running { call, .. } => {
                    ready!(call.poll(cx)).map_err(BackpressureError::Inner)
                }
                StateProjection::Done => panic!("polled after it was done"),
            };
            // Not left to the owner of the future: who keeps a finished future does not keep a worker.
            state.set(State::Done);
            return Poll::Ready(output);
        }
    }
}

impl<S, R> fmt::Debug for WorkerPoolFuture<S, R>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "Refused",
            State::Pacing { .. } => "Pacing",
            State::Waiting { .. } => "Waiting",
            State::Running { .. } => "Running",
            State::Done => "Done",
        };
        f.debug_struct("WorkerPoolFuture").field("state", &state).finish_non_exhaustive()
    }
}
