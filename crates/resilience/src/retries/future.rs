//! The response future: attempts and pauses, one after the other.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower::Service;

use super::hooks::{Hooks, Trail};
use super::service::Retry;
use super::shared::{Next, Pause};
use crate::call::Call;
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
        Attempting { #[pin] call: Call<S, R> },
        // In a box, because few calls pause, and every future would have room for it.
        Pausing { alarm: Pin<Box<Sleep>>, pause: Option<Pause> },
        Done,
    }
}

impl<S, R, C, K, H> RetryFuture<S, R, C, K, H>
where
    S: Service<R> + Clone,
    R: Clone,
    C: Clone,
    K: Clone,
    H: Hooks<R, S::Response, S::Error> + Clone,
{
    /// With an attempt of this very service, and a clone of it for others.
    pub(super) fn begin(retry: &mut Retry<S, C, K, H>, request: R) -> Self {
        let state = State::Attempting { call: attempt(retry, &request, 1) };
        Self { state, retry: retry.clone(), request, attempt: 1, unknown: false }
    }
}

/// Begins an attempt with a request of its own.
fn attempt<S, R, C, K, H>(retry: &mut Retry<S, C, K, H>, request: &R, number: u32) -> Call<S, R>
where
    S: Service<R> + Clone,
    R: Clone,
    H: Hooks<R, S::Response, S::Error>,
{
    let mut request = request.clone();
    retry.hooks.prepare(&mut request, number);
    Call::begin(&mut retry.inner, request)
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
                    let remaining = || {
                        let deadline = retry.carrier.deadline(this.request)?;
                        Some(deadline.remaining(Instant::now()))
                    };
                    match retry.shared.decide(*this.attempt, class, remaining) {
                        Next::TryAgain { after, pause } => {
                            let pause = Some(pause);
                            this.state.set(State::Pausing { alarm: Box::pin(sleep(after)), pause });
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
                        ready!(alarm.as_mut().poll(cx));
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
