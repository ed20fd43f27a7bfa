//! The response future: allots the time, waits for the inner service, begins the call, and ends it.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

use super::deadline::{Carrier, Deadline, Nowhere};
use super::error::TimeoutError;
use super::policy::{Allotment, Scope};
use super::shared::Waited;

pin_project! {
    /// The response of a [`Timeout`](super::Timeout). Dropping it ends the call.
    pub struct TimeoutFuture<S, R, K = Nowhere>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R, K>,
        // Made when there is something to wait for: an answer that is there at once costs no timer.
        #[pin]
        alarm: Option<Sleep>,
        // `None` before the first poll.
        began: Option<Instant>,
        deadline: Option<Deadline>,
        scope: Scope,
        // Last, so that a call is counted until its work is gone.
        waited: Option<Waited>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, K>
    where
        S: Service<R>,
    {
        Waiting { service: S, request: Option<R>, carrier: K },
        Running { #[pin] call: S::Future },
        Done,
    }
}

impl<S, R, K> TimeoutFuture<S, R, K>
where
    S: Service<R>,
{
    pub(super) const fn new(service: S, request: R, carrier: K, waited: Waited) -> Self {
        let state = State::Waiting { service, request: Some(request), carrier };
        let scope = Scope::Request;
        Self { state, alarm: None, began: None, deadline: None, scope, waited: Some(waited) }
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

impl<S, R, K> Future for TimeoutFuture<S, R, K>
where
    S: Service<R>,
    K: Carrier<R>,
{
    type Output = Result<S::Response, TimeoutError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let waited = this.waited.as_ref().expect("polled after it was done");
        let expired = |scope| {
            waited.expired(scope);
            Err(TimeoutError::Expired { scope })
        };
        let output = loop {
            match this.state.as_mut().project() {
                StateProjection::Waiting { service, request, carrier } => {
                    // Read each time, and not left to the timer: what is late is not begun.
                    let now = Instant::now();
                    let sent = request.as_mut().expect("it begins once");
                    if this.began.is_some() {
                        if this.deadline.is_some_and(|deadline| deadline.has_passed(now)) {
                            break expired(*this.scope);
                        }
                    } else {
                        let limits = waited.limits();
                        (*this.began, *this.scope) = (Some(now), limits.scope);
                        match limits.allot(now, carrier.deadline(sent)) {
                            Allotment::Expired => break expired(*this.scope),
                            Allotment::Unlimited => {}
                            Allotment::Until(deadline) => {
                                carrier.set_deadline(sent, deadline);
                                *this.deadline = Some(deadline);
                            }
                        }
                    }
                    match service.poll_ready(cx) {
                        Poll::Ready(Ok(())) => {
                            let call = service.call(request.take().expect("it begins once"));
                            this.state.set(State::Running { call });
                        }
                        Poll::Ready(Err(error)) => break Err(TimeoutError::Inner(error)),
                        Poll::Pending => {
                            std::task::ready!(poll_alarm(this.alarm.as_mut(), *this.deadline, cx));
                            break expired(*this.scope);
                        }
                    }
                }
                StateProjection::Running { call } => {
                    if let Poll::Ready(result) = call.poll(cx) {
                        break result.map_err(TimeoutError::Inner);
                    }
                    std::task::ready!(poll_alarm(this.alarm.as_mut(), *this.deadline, cx));
                    let after = this.began.map(|began| began.elapsed()).unwrap_or_default();
                    waited.timed_out(*this.scope, after);
                    break Err(TimeoutError::TimedOut { scope: *this.scope, after });
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

impl<S, R, K> fmt::Debug for TimeoutFuture<S, R, K>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Waiting { .. } => "Waiting",
            State::Running { .. } => "Running",
            State::Done => "Done",
        };
        let mut f = f.debug_struct("TimeoutFuture");
        f.field("state", &state).field("deadline", &self.deadline).finish_non_exhaustive()
    }
}
