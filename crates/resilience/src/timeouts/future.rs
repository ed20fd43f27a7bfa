//! The response future: waits for the inner service, begins the call, and ends it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

use super::deadline::Deadline;
use super::error::TimeoutError;
use super::shared::Waited;

pin_project! {
    /// The response of a [`Timeout`](super::Timeout). Dropping it ends the call.
    pub struct TimeoutFuture<S, R>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R>,
        // Made when there is something to wait for: an answer that is there at once costs no timer.
        #[pin]
        alarm: Option<Sleep>,
        deadline: Option<Deadline>,
        began: Instant,
        // Last, so that a call is counted until its work is gone.
        waited: Option<Waited>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R>
    where
        S: Service<R>,
    {
        Expired,
        Waiting { service: S, request: Option<R> },
        Running { #[pin] call: S::Future },
        Done,
    }
}

impl<S, R> TimeoutFuture<S, R>
where
    S: Service<R>,
{
    pub(super) const fn expired(began: Instant, waited: Waited) -> Self {
        Self { state: State::Expired, alarm: None, deadline: None, began, waited: Some(waited) }
    }

    pub(super) const fn waiting(
        service: S,
        request: R,
        began: Instant,
        deadline: Option<Deadline>,
        waited: Waited,
    ) -> Self {
        let state = State::Waiting { service, request: Some(request) };
        Self { state, alarm: None, deadline, began, waited: Some(waited) }
    }
}

/// Whether the end has come; if not, the task is woken when it has.
fn poll_alarm(
    mut alarm: Pin<&mut Option<Sleep>>,
    deadline: Option<Deadline>,
    cx: &mut Context<'_>,
) -> Poll<()> {
    let Some(deadline) = deadline else { return Poll::Pending };
    if alarm.is_none() {
        alarm.set(Some(sleep_until(deadline.instant())));
    }
    alarm.as_pin_mut().expect("it was just made").poll(cx)
}

impl<S, R> Future for TimeoutFuture<S, R>
where
    S: Service<R>,
{
    type Output = Result<S::Response, TimeoutError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let waited = this.waited.as_ref().expect("polled after it was done");
        let scope = waited.limits().scope;
        let output = loop {
            match this.state.as_mut().project() {
                StateProjection::Expired => {
                    waited.expired();
                    break Err(TimeoutError::Expired { scope });
                }
                StateProjection::Waiting { service, request } => {
                    // Asked first, and not left to the timer: what is late is not begun.
                    if this.deadline.is_some_and(|deadline| deadline.has_passed(Instant::now())) {
                        this.state.set(State::Expired);
                        continue;
                    }
                    match service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {
                            let call = service.call(request.take().expect("it begins once"));
                            this.state.set(State::Running { call });
                        }
                        Poll::Ready(Err(error)) => break Err(TimeoutError::Inner(error)),
                        Poll::Pending => {
                            std::task::ready!(poll_alarm(this.alarm.as_mut(), *this.deadline, cx));
                            this.state.set(State::Expired);
                        }
                    }
                }
                StateProjection::Running { call } => {
                    if let Poll::Ready(result) = call.poll(cx) {
                        break result.map_err(TimeoutError::Inner);
                    }
                    std::task::ready!(poll_alarm(this.alarm.as_mut(), *this.deadline, cx));
                    let after = this.began.elapsed();
                    waited.timed_out(after);
                    break Err(TimeoutError::TimedOut { scope, after });
                }
                StateProjection::Done => unreachable!("a finished future is not waited for"),
            }
        };
        // Not left to the owner of the future: the work is gone when its end is known.
        this.state.set(State::Done);
        this.alarm.set(None);
        *this.waited = None;
        Poll::Ready(output)
    }
}

impl<S, R> fmt::Debug for TimeoutFuture<S, R>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Expired => "Expired",
            State::Waiting { .. } => "Waiting",
            State::Running { .. } => "Running",
            State::Done => "Done",
        };
        let mut f = f.debug_struct("TimeoutFuture");
        f.field("state", &state).field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
