//! A call, and what is done when it is answered: the one future of the layers that look at answers or count them.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use axum::response::Response;
use pin_project_lite::pin_project;

/// Something that waits for an answer. Dropped without one, it is told nothing.
pub(crate) trait OnAnswer {
    /// The answer, before anybody further out sees it.
    fn answered(self, response: &mut Response);
}

pin_project! {
    /// A call with what waits for its answer.
    pub(crate) struct Answered<F, A> {
        #[pin]
        call: F,
        waiting: Option<A>,
    }
}

impl<F, A> Answered<F, A> {
    pub(crate) const fn new(call: F, waiting: A) -> Self {
        Self { call, waiting: Some(waiting) }
    }
}

impl<F, A> Future for Answered<F, A>
where
    F: Future<Output = Result<Response, Infallible>>,
    A: OnAnswer,
{
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Ok(mut response) = ready!(this.call.poll(cx));
        if let Some(waiting) = this.waiting.take() {
            waiting.answered(&mut response);
        }
        Poll::Ready(Ok(response))
    }
}
