//! Attempts as spans: each with its number and its end, and the pause before it.
//!
//! Directly inside the retries and outside of the breaker, so that an attempt that the breaker refused, or that
//! timed out, is told as what it was. Where nothing is recorded it passes calls on and does no more.

use std::borrow::Cow;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use domain::ProcessOutcome;
use pin_project_lite::pin_project;
use tower::{Layer, Service};

use super::payment::{Payment, PaymentCall, Unpaid};
use crate::web::recording::{Attempts, SpanGuard};

/// Tells of each attempt.
#[derive(Clone, Copy, Debug)]
pub(super) struct TraceAttemptsLayer;

impl<S> Layer<S> for TraceAttemptsLayer {
    type Service = TraceAttempts<S>;

    fn layer(&self, inner: S) -> TraceAttempts<S> {
        TraceAttempts { inner }
    }
}

/// A service whose calls are told as attempts.
#[derive(Clone, Debug)]
pub(super) struct TraceAttempts<S> {
    inner: S,
}

impl<S> Service<PaymentCall> for TraceAttempts<S>
where
    S: Service<PaymentCall, Response = Payment, Error = Unpaid>,
{
    type Response = Payment;
    type Error = Unpaid;
    type Future = AttemptFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Unpaid>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, call: PaymentCall) -> Self::Future {
        let (attempt, attempts) = call.context().attempt();
        let call = call.within(&attempt);
        AttemptFuture { call: self.inner.call(call), told: Told { attempt, attempts } }
    }
}

pin_project! {
    /// An attempt: told when it ends, or is dropped.
    pub(super) struct AttemptFuture<F> {
        #[pin]
        call: F,
        told: Told,
    }
}

#[derive(Debug)]
struct Told {
    attempt: SpanGuard,
    attempts: Option<Attempts>,
}

impl Drop for Told {
    fn drop(&mut self) {
        if let Some(attempts) = &self.attempts {
            attempts.end_one();
        }
    }
}

impl<F> Future for AttemptFuture<F>
where
    F: Future<Output = Result<Payment, Unpaid>>,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let result = ready!(this.call.poll(cx));
        if this.told.attempt.is_recorded() {
            this.told.attempt.will_end(end(&result));
        }
        Poll::Ready(result)
    }
}

fn end(result: &Result<Payment, Unpaid>) -> Cow<'static, str> {
    match result {
        Ok(Payment { outcome: ProcessOutcome::Paid { .. }, .. }) => "paid".into(),
        Ok(Payment { outcome: ProcessOutcome::Declined { .. }, .. }) => "declined".into(),
        Err(unpaid) => unpaid.word().into(),
    }
}
