//! The response future of every layer whose calls hold something: a permit, a worker, a credit, a pass.
//!
//! ```text
//! refused ─────────────────────────────────────────▶ done
//! in line ──its turn──▶ running, with what it holds ─▶ done
//!    └────refused──────────────────────────────────▶ done
//! ```
//!
//! What is held is dropped after the work, whichever way the future ends: by its result, by being dropped, by a
//! panic. And it is not left to the owner of the future: who keeps a finished one keeps nothing else.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;
use tower::Service;

use crate::call::Call;
use crate::refusal::Refusal;

/// What a call holds while it runs.
pub trait Hold<T, E>: Sized {
    /// What it has before that. [`Infallible`](std::convert::Infallible) where nobody waits.
    type Line;

    /// Whether its turn has come; if not, the task is woken when it has.
    fn poll_turn(line: &mut Self::Line, cx: &mut Context<'_>) -> Poll<Result<Self, Refusal>>;

    /// The call has ended with a result. It is not told of calls that are dropped.
    fn ended(&mut self, _result: &Result<T, E>) {}
}

/// The errors of a layer that refuses.
pub trait Refusing<E> {
    /// For a call that was refused.
    fn refused(refusal: Refusal) -> Self;

    /// For a call that failed inside.
    fn inner(error: E) -> Self;
}

pin_project! {
    /// The response of a layer that lets calls in or refuses them. Dropping it gives back what the call held.
    pub struct Held<S, R, H, X>
    where
        S: Service<R>,
        H: Hold<S::Response, S::Error>,
    {
        #[pin]
        state: State<S, R, H, H::Line>,
        error: PhantomData<fn() -> X>,
    }
}

pin_project! {
    #[project = StateProjection]
    enum State<S, R, H, L>
    where
        S: Service<R>,
    {
        Refused { refusal: Refusal },
        InLine { line: L, call: Option<(S, R)> },
        // The order matters: fields are dropped as they are declared, so the place becomes free only
        // after the work in it is gone.
        Running { #[pin] call: Call<S, R>, held: H },
        Done,
    }
}

impl<S, R, H, X> Held<S, R, H, X>
where
    S: Service<R> + Clone,
    H: Hold<S::Response, S::Error>,
{
    pub(crate) const fn refused(refusal: Refusal) -> Self {
        Self { state: State::Refused { refusal }, error: PhantomData }
    }

    pub(crate) const fn in_line(line: H::Line, service: S, request: R) -> Self {
        Self { state: State::InLine { line, call: Some((service, request)) }, error: PhantomData }
    }

    /// Calls the service. What is held is given back if that panics.
    pub(crate) fn running(held: H, service: &mut S, request: R) -> Self {
        Self { state: State::Running { call: Call::begin(service, request), held }, error: PhantomData }
    }

    /// Calls the service if there is something to hold.
    pub(crate) fn new(held: Result<H, Refusal>, service: &mut S, request: R) -> Self {
        match held {
            Ok(held) => Self::running(held, service, request),
            Err(refusal) => Self::refused(refusal),
        }
    }
}

impl<S, R, H, X> Future for Held<S, R, H, X>
where
    S: Service<R> + Clone,
    H: Hold<S::Response, S::Error>,
    X: Refusing<S::Error>,
{
    type Output = Result<S::Response, X>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut state = self.project().state;
        loop {
            let output = match state.as_mut().project() {
                StateProjection::Running { call, held } => {
                    let result = ready!(call.poll(cx));
                    held.ended(&result);
                    result.map_err(X::inner)
                }
                StateProjection::InLine { line, call } => match ready!(H::poll_turn(line, cx)) {
                    Ok(held) => {
                        let (mut service, request) = call.take().expect("its turn comes once");
                        let call = Call::begin(&mut service, request);
                        state.set(State::Running { call, held });
                        continue;
                    }
                    Err(refusal) => Err(X::refused(refusal)),
                },
                StateProjection::Refused { refusal } => Err(X::refused(*refusal)),
                StateProjection::Done => panic!("polled after it was done"),
            };
            state.set(State::Done);
            return Poll::Ready(output);
        }
    }
}

impl<S, R, H, X> fmt::Debug for Held<S, R, H, X>
where
    S: Service<R>,
    H: Hold<S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = match &self.state {
            State::Refused { .. } => "Refused",
            State::InLine { .. } => "InLine",
            State::Running { .. } => "Running",
            State::Done => "Done",
        };
        f.debug_struct("Held").field("state", &state).finish_non_exhaustive()
    }
}
