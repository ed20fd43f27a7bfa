//! Refusals as answers with problem details.
//!
//! `resilience` refuses with an error value; here it becomes the 429 that a client sees, so that
//! everything outside of a constraint has responses only, and no errors.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::{IntoResponse, Response};
use pin_project_lite::pin_project;
use resilience::admission::AdmissionError;
use resilience::backpressure::BackpressureError;
use resilience::{Reason, Refusal};
use tower::{Layer, Service};

use crate::web::{Problem, ProblemKind};

/// What a constraint refused with, when nothing inside of it can fail.
pub(crate) trait IntoRefusal {
    /// The refusal.
    fn into_refusal(self) -> Refusal;
}

impl IntoRefusal for AdmissionError<Infallible> {
    fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
        }
    }
}

impl IntoRefusal for BackpressureError<Infallible> {
    fn into_refusal(self) -> Refusal {
        match self {
            Self::Refused(refusal) => refusal,
        }
    }
}

fn answer(refusal: &Refusal) -> Response {
    let kind = match refusal.reason {
        Reason::ConcurrencyLimit => ProblemKind::ConcurrencyLimit,
        Reason::RateLimit => ProblemKind::RateLimit,
        Reason::QueueFull => ProblemKind::QueueFull,
        Reason::Throttled => ProblemKind::Throttled,
        Reason::FairShare => ProblemKind::FairShare,
        Reason::LowPriority => ProblemKind::LowPriority,
        Reason::Doomed => ProblemKind::Doomed,
        Reason::QueueDelay => ProblemKind::QueueDelay,
        Reason::NoCredit => ProblemKind::NoCredit,
        Reason::BreakerOpen => ProblemKind::BreakerOpen,
    };
    Problem::from(kind).retry_after_s(refusal.retry_after_s()).refused(refusal.reason).into_response()
}

/// Turns refusals into answers.
#[derive(Clone, Copy, Debug)]
pub(crate) struct AnswerRefusalsLayer;

impl<S> Layer<S> for AnswerRefusalsLayer {
    type Service = AnswerRefusals<S>;

    fn layer(&self, inner: S) -> AnswerRefusals<S> {
        AnswerRefusals { inner }
    }
}

/// A service that answers where its inner one refuses.
#[derive(Clone, Debug)]
pub(crate) struct AnswerRefusals<S> {
    inner: S,
}

impl<S, R> Service<R> for AnswerRefusals<S>
where
    S: Service<R, Response = Response>,
    S::Error: IntoRefusal,
{
    type Response = Response;
    type Error = Infallible;
    type Future = AnswerRefusalsFuture<S::Future>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        // Constraints are always ready: they refuse in the call.
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: R) -> Self::Future {
        AnswerRefusalsFuture { call: self.inner.call(request) }
    }
}

pin_project! {
    /// A call whose refusal becomes an answer.
    pub(crate) struct AnswerRefusalsFuture<F> {
        #[pin]
        call: F,
    }
}

impl<F, E> Future for AnswerRefusalsFuture<F>
where
    F: Future<Output = Result<Response, E>>,
    E: IntoRefusal,
{
    type Output = Result<Response, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let result = ready!(self.project().call.poll(cx));
        Poll::Ready(Ok(result.unwrap_or_else(|error| answer(&error.into_refusal()))))
    }
}
