//! The response future: one attempt, and a second one when the first is late.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower::Service;

use super::observer::Attempt;
use super::shared::Shared;
use crate::call::Call;
use crate::class::{Class, Classifier};

/// What a call needs to be made twice.
#[derive(Debug)]
pub(super) struct Spare<S, R, C> {
    pub(super) service: S,
    pub(super) request: R,
    pub(super) classifier: C,
    pub(super) shared: Arc<Shared>,
    /// When it is late; `None` when nobody knows.
    pub(super) delay: Option<Duration>,
}

/// How far a call has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Its first attempt is not late yet, or there is no telling.
    Early,
    /// It was late and the budget had nothing left.
    Alone,
    /// It was late and has a second attempt.
    Hedged,
    /// Its result is out.
    Done,
}

pin_project! {
    /// The response of a [`Hedge`](super::Hedge). Dropping it drops both attempts.
    pub struct HedgeFuture<S, R, C>
    where
        S: Service<R>,
    {
        #[pin]
        first: Option<Call<S, R>>,
        #[pin]
        second: Option<Call<S, R>>,
        // The first attempt's, when it failed while there was hope in the second.
        failed: Option<Result<S::Response, S::Error>>,
        // Made when there is something to wait for: an answer that is there at once costs no timer.
        #[pin]
        alarm: Option<Sleep>,
        spare: Option<Spare<S, R, C>>,
        began: Instant,
        phase: Phase,
    }
}

impl<S, R, C> HedgeFuture<S, R, C>
where
    S: Service<R>,
{
    pub(super) fn new(first: Call<S, R>, spare: Option<Spare<S, R, C>>) -> Self {
        let began = Instant::now();
        let phase = Phase::Early;
        Self { first: Some(first), second: None, failed: None, alarm: None, spare, began, phase }
    }
}

impl<S, R, C> Spare<S, R, C>
where
    S: Service<R> + Clone,
    R: Clone,
    C: Classifier<R, S::Response, S::Error>,
{
    fn is_success(&self, result: &Result<S::Response, S::Error>) -> bool {
        self.classifier.classify(&self.request, result) == Class::Success
    }

    /// Waits until the call is late, and then says whether it is hedged.
    fn poll_late(
        &self,
        mut alarm: Pin<&mut Option<Sleep>>,
        began: Instant,
        cx: &mut Context<'_>,
    ) -> Poll<bool> {
        // A delay that no clock can express does not end.
        let Some(late) = self.delay.and_then(|delay| began.checked_add(delay)) else { return Poll::Pending };
        if late > Instant::now() {
            if alarm.is_none() {
                alarm.set(Some(sleep_until(late)));
            }
            std::task::ready!(alarm.as_mut().as_pin_mut().expect("it was just made").poll(cx));
        }
        alarm.set(None);
        Poll::Ready(self.shared.hedge(began.elapsed()))
    }
}

impl<S, R, C> Future for HedgeFuture<S, R, C>
where
    S: Service<R> + Clone,
    R: Clone,
    C: Classifier<R, S::Response, S::Error>,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        assert!(*this.phase != Phase::Done, "polled after it was done");
        let mut output = None;
        if let Some(first) = this.first.as_mut().as_pin_mut()
            && let Poll::Ready(result) = first.poll(cx)
        {
            this.first.set(None);
            let succeeded = this.spare.as_ref().is_some_and(|spare| spare.is_success(&result));
            if succeeded || this.second.is_none() {
                output = Some((result, succeeded.then_some(Attempt::First)));
            } else {
                *this.failed = Some(result);
            }
        }
        if output.is_none()
            && *this.phase == Phase::Early
            && let Some(spare) = this.spare.as_mut()
            && let Poll::Ready(hedged) = spare.poll_late(this.alarm.as_mut(), *this.began, cx)
        {
            *this.phase = if hedged { Phase::Hedged } else { Phase::Alone };
            if hedged {
                this.second.set(Some(Call::begin(&mut spare.service, spare.request.clone())));
            }
        }
        if output.is_none()
            && let Some(second) = this.second.as_mut().as_pin_mut()
            && let Poll::Ready(result) = second.poll(cx)
        {
            this.second.set(None);
            if this.spare.as_ref().is_some_and(|spare| spare.is_success(&result)) {
                output = Some((result, Some(Attempt::Second)));
            }
        }
        // Both have failed: the first one's result is the call's.
        if output.is_none() && this.second.is_none() {
            output = this.failed.take().map(|result| (result, None));
        }
        let Some((result, won)) = output else { return Poll::Pending };
        // Not left to the owner of the future: the loser is gone when the result is out.
        this.first.set(None);
        this.second.set(None);
        this.alarm.set(None);
        if let (Some(spare), Some(attempt)) = (this.spare.as_ref(), won) {
            let hedged = *this.phase == Phase::Hedged;
            spare.shared.succeeded(this.began.elapsed(), hedged.then_some(attempt));
        }
        *this.spare = None;
        *this.phase = Phase::Done;
        Poll::Ready(result)
    }
}

impl<S, R, C> fmt::Debug for HedgeFuture<S, R, C>
where
    S: Service<R>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeFuture").field("phase", &self.phase).finish_non_exhaustive()
    }
}
