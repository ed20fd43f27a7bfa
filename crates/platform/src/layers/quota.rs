//! Says with every answer what the door lets in, and what of it is left ([`crate::web::rate_limit`]).
//!
//! Directly around the door, so that what was admitted and what was refused is told alike, by the state after it. A
//! door that shares its limit out (by customer or by priority) tells only the limit: what is left of it is not left
//! for whoever reads it. One that refuses by chance has nothing to tell.

use std::convert::Infallible;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::response::Response;
use http::HeaderValue;
use resilience::admission::Quota;
use tower::{Layer, Service};

use super::answered::{Answered, OnAnswer};
use crate::web::rate_limit::{self, RATE_LIMIT, RATE_LIMIT_POLICY};

/// Asks the door.
type Ask = dyn Fn() -> Quota + Send + Sync;

/// Tells what the door lets in.
#[derive(Clone)]
pub(crate) struct QuotaLayer {
    door: Arc<Door>,
}

/// What is told, and whom to ask.
pub(crate) struct Door {
    ask: Box<Ask>,
    tells_left: bool,
    /// The limit and its header as last told: it seldom changes.
    policy: Quota,
    policy_header: HeaderValue,
    /// Most of what a full door answers.
    none_left: Option<HeaderValue>,
}

impl QuotaLayer {
    /// Tells what is left.
    pub(crate) fn new(ask: impl Fn() -> Quota + Send + Sync + 'static) -> Self {
        Self::of(Box::new(ask), true)
    }

    /// Tells only the limit.
    pub(crate) fn shared_out(ask: impl Fn() -> Quota + Send + Sync + 'static) -> Self {
        Self::of(Box::new(ask), false)
    }

    fn of(ask: Box<Ask>, tells_left: bool) -> Self {
        let policy = ask();
        let none_left = Quota { left: 0, ..policy };
        let none_left = policy.window.is_none().then(|| rate_limit::left(&none_left));
        let policy_header = rate_limit::policy(&policy);
        Self { door: Arc::new(Door { ask, tells_left, policy, policy_header, none_left }) }
    }
}

impl Door {
    fn tell(&self, response: &mut Response) {
        let quota = (self.ask)();
        let is_usual = (quota.most, quota.window) == (self.policy.most, self.policy.window);
        let policy = if is_usual { self.policy_header.clone() } else { rate_limit::policy(&quota) };
        response.headers_mut().insert(RATE_LIMIT_POLICY, policy);
        if self.tells_left {
            let none_left = self.none_left.as_ref().filter(|_| quota.left == 0);
            let left = none_left.cloned().unwrap_or_else(|| rate_limit::left(&quota));
            response.headers_mut().insert(RATE_LIMIT, left);
        }
    }
}

impl<S> Layer<S> for QuotaLayer {
    type Service = TellQuota<S>;

    fn layer(&self, inner: S) -> TellQuota<S> {
        TellQuota { door: Arc::clone(&self.door), inner }
    }
}

/// A service that tells what is left.
#[derive(Clone)]
pub(crate) struct TellQuota<S> {
    door: Arc<Door>,
    inner: S,
}

impl<S, R> Service<R> for TellQuota<S>
where
    S: Service<R, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answered<S::Future, Arc<Door>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        Answered::new(self.inner.call(request), Arc::clone(&self.door))
    }
}

impl OnAnswer for Arc<Door> {
    fn answered(self, response: &mut Response) {
        self.tell(response);
    }
}

impl std::fmt::Debug for QuotaLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QuotaLayer").field("policy", &self.door.policy).finish_non_exhaustive()
    }
}
