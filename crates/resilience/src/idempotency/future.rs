//! The response future: the way of one call, from its key to its answer.
//!
//! One boxed `async` function, because the port is asynchronous and boxed anyway: next to a look at the
//! records an allocation does not count, and the way reads from top to bottom.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::{Service, ServiceExt};

use super::error::IdempotencyError;
use super::observer::Event;
use super::scheme::Scheme;
use super::settings::KeyRule;
use super::shared::{Shared, Verdict};

type Boxed<T, E> = Pin<Box<dyn Future<Output = Result<T, IdempotencyError<E>>> + Send>>;

/// The response of an [`Idempotency`](super::Idempotency). Dropping it leaves no key stuck: see the module.
pub struct IdempotencyFuture<T, E> {
    inner: Boxed<T, E>,
}

impl<T, E> IdempotencyFuture<T, E> {
    pub(super) fn new(inner: impl Future<Output = Result<T, IdempotencyError<E>>> + Send + 'static) -> Self {
        Self { inner: Box::pin(inner) }
    }
}

impl<T, E> Future for IdempotencyFuture<T, E> {
    type Output = Result<T, IdempotencyError<E>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.inner.as_mut().poll(cx)
    }
}

impl<T, E> fmt::Debug for IdempotencyFuture<T, E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IdempotencyFuture").finish_non_exhaustive()
    }
}

pub(super) async fn drive<S, C, R>(
    shared: Arc<Shared>,
    scheme: Arc<C>,
    inner: S,
    request: R,
) -> Result<S::Response, IdempotencyError<S::Error>>
where
    S: Service<R>,
    C: Scheme<R, Response = S::Response, Error = S::Error>,
{
    let identity = match scheme.identify(&request) {
        Ok(Some(identity)) => identity,
        Ok(None) if shared.settings().key == KeyRule::Optional => {
            return inner.oneshot(request).await.map_err(IdempotencyError::Inner);
        }
        Ok(None) => {
            shared.event(Event::MissingKey);
            return Err(IdempotencyError::MissingKey);
        }
        Err(error) => {
            shared.event(Event::InvalidKey);
            return Err(IdempotencyError::InvalidKey(error));
        }
    };
    // Declared before the call, so dropped after it: the work is gone before its key is free.
    let lead = match shared.lead(identity).await {
        Ok(lead) => lead,
        Err(verdict) => return conclude(&shared, &*scheme, verdict),
    };
    let result = inner.oneshot(request).await;
    let keep = scheme.keep(&result);
    lead.end(keep).await;
    result.map_err(IdempotencyError::Inner)
}

/// What a call hears that did not run.
fn conclude<R, C: Scheme<R>>(
    shared: &Shared,
    scheme: &C,
    verdict: Verdict,
) -> Result<C::Response, IdempotencyError<C::Error>> {
    match verdict {
        Verdict::Answer(answer) => {
            shared.event(Event::Replayed);
            let result = scheme.replay(&answer).map_err(IdempotencyError::Unreadable)?;
            result.map_err(IdempotencyError::Inner)
        }
        Verdict::InProgress { retry_after } => {
            shared.event(Event::InProgress);
            Err(IdempotencyError::InProgress { retry_after })
        }
        Verdict::Mismatch => {
            shared.event(Event::Mismatch);
            Err(IdempotencyError::Mismatch)
        }
        Verdict::Failed(error) => {
            shared.event(Event::RecordsFailed);
            Err(IdempotencyError::Records(error))
        }
    }
}
