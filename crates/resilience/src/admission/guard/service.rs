//! The service: decides in `call`, and is always ready to.

use std::fmt;
use std::sync::Arc;
use std::task::{Context, Poll};

use tower::Service;

use super::future::{GuardFuture, Judged};
use super::rule::{ErrorsAreOverload, Judge, Rule, Tagger, Untagged};
use super::shared::Shared;
use crate::admission::AdmissionError;

/// A service behind a [`Rule`]. Made by [`GuardLayer`](super::GuardLayer).
pub struct Guard<S, P, G = Untagged, J = ErrorsAreOverload> {
    inner: S,
    shared: Arc<Shared<P>>,
    tagger: G,
    judge: J,
}

impl<S, P, G, J> Guard<S, P, G, J> {
    pub(super) const fn new(inner: S, shared: Arc<Shared<P>>, tagger: G, judge: J) -> Self {
        Self { inner, shared, tagger, judge }
    }
}

impl<S: Clone, P, G: Clone, J: Clone> Clone for Guard<S, P, G, J> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            shared: Arc::clone(&self.shared),
            tagger: self.tagger.clone(),
            judge: self.judge.clone(),
        }
    }
}

impl<S: fmt::Debug, P: fmt::Debug, G, J> fmt::Debug for Guard<S, P, G, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Guard")
            .field("inner", &self.inner)
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

impl<S, R, P, G, J> Service<R> for Guard<S, P, G, J>
where
    S: Service<R> + Clone,
    P: Rule,
    G: Tagger<R, P::Tag>,
    J: Judge<S::Response, S::Error> + Clone,
{
    type Response = S::Response;
    type Error = AdmissionError<S::Error>;
    type Future = GuardFuture<S, R, P, J>;

    /// Always ready: see the crate's documentation for why, and for what becomes of the inner readiness.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    /// The decision falls here, not at the first poll, and from here on the call's time counts. The permit
    /// is held until the future is done or dropped.
    fn call(&mut self, request: R) -> Self::Future {
        let permit = self.shared.admit(self.tagger.tag(&request));
        let held = permit.map(|permit| Judged { permit, judge: self.judge.clone() });
        GuardFuture::new(held, &mut self.inner, request)
    }
}
