//! The response future: attempts and pauses, one after the other.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower::util::Oneshot;
use tower::{Service, ServiceExt};

use super::hooks::{Hooks, Trail};
use super::service::Retry;
use super::shared::{Next, Pause};
use crate::class::{Class, Classifier};
use crate::timeouts::Carrier;

pin_project! {
    /// The response of a [`Retry`](super::Retry). Dropping it ends the attempt, or gives back what the next
    /// one would have cost.
    pub struct RetryFuture<S, R, C, K, H>
    where
        S: Service<R>,
    {
        #[pin]
        state: State<S, R>,
        retry: Retry<S, C, K, H>,
        request: R,
        attempt: u32,
        unknown: bool,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R>
    where
        S: Service<R>,
    {
        Attempting { #[pin] call: Oneshot<S, R> },
        Pausing { #[pin] alarm: Sleep, pause: Option<Pause> },
        Done,
    }
}

impl<S, R, C, K, H> RetryFuture<S, R, C, K, H>
where
    S: Service<R> + Clone,
    R: Clone,
    H: Hooks<R, S::Response, S::Error>,
{
    pub(super) fn new(retry: Retry<S, C, K, H>, request: R) -> Self {
        let state = State::Attempting { call: attempt(&retry, &request, 1) };
        Self { state, retry, request, attempt: 1, unknown: false }
    }
}

/// Begins an attempt with a request and a service of its own.
fn attempt<S, R, C, K, H>(retry: &Retry<S, C, K, H>, request: &R, number: u32) -> Oneshot<S, R>
where
    S: Service<R> + Clone,
    R: Clone,
    H: Hooks<R, S::Response, S::Error>,
{
    let mut request = request.clone();
    retry.hooks.prepare(&mut request, number);
    retry.inner.clone().oneshot(request)
}

impl<S, R, C, K, H> Future for RetryFuture<S, R, C, K, H>
where
    S: Service<R> + Clone,
    R: Clone,
    C: Classifier<R, S::Response, S::Error>,
    K: Carrier<R>,
    H: Hooks<R, S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let retry = this.retry;
        loop {
            match this.state.as_mut().project() {
                StateProjection::Attempting { call } => {
                    let result = ready!(call.poll(cx));
                    let class = retry.classifier.classify(this.request, &result);
                    *this.unknown |= matches!(class, Class::Unknown { .. });
                    let deadline = retry.carrier.deadline(this.request);
                    let remaining = deadline.map(|deadline| deadline.remaining(Instant::now()));
                    match retry.shared.decide(*this.attempt, class, remaining) {
                        Next::TryAgain { after, pause } => {
                            let pause = Some(pause);
                            this.state.set(State::Pausing { alarm: sleep(after), pause });
                        }
                        Next::HandOut(gave_up) => {
                            // Not left to the owner of the future: the work is gone when its result is known.
                            this.state.set(State::Done);
                            let trail = Trail { attempts: *this.attempt, unknown: *this.unknown, gave_up };
                            retry.shared.concluded(trail);
                            return Poll::Ready(retry.hooks.conclude(result, trail));
                        }
                    }
                }
                StateProjection::Pausing { alarm, pause } => {
                    // A pause of nothing is none: a timer would make a millisecond of it.
                    if alarm.deadline() > Instant::now() {
                        ready!(alarm.poll(cx));
                    }
                    *this.attempt += 1;
                    pause.take().expect("it ends once").end(*this.attempt);
                    let call = attempt(retry, this.request, *this.attempt);
                    this.state.set(State::Attempting { call });
                }
                StateProjection::Done => panic!("polled after it was done"),
            }
        }
    }
}

impl<S, R, C, K, H> fmt::Debug for RetryFuture<S, R, C, K, H>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Attempting { .. } => "Attempting",
            State::Pausing { .. } => "Pausing",
            State::Done => "Done",
        };
        let mut f = f.debug_struct("RetryFuture");
        f.field("state", &state).field("attempt", &self.attempt).finish_non_exhaustive()
    }
}
