//! Credits between services: demand is granted upstream, before anything is sent.
//!
//! The grant is a window: with every answer, refusals included, order-processor says in `X-Credits` how many
//! orders may be with it at once, and order-api keeps to the last number it heard; who comes beyond it is
//! refused at the door, before the order is read or stored. Why a window and not single credits that are
//! handed out and given back: a number that is said anew each time is right again after whatever was lost,
//! an answer, or a process on either side, where a count of credits would be wrong for ever. (Breakwater's
//! clients keep to such a number too.) Nothing but answers carries it, so there is no endpoint to ask: the
//! fewest credits are at least one, and so an answer is always on its way or can be had.
//!
//! In one process it is the same: a local answer has headers as well.
//!
//! order-processor does not check the window, it counts: an order that was sent before its sender heard of
//! a lower number is not refused for that, because a grant is honoured; the queue of the pool is what
//! bounds who keeps to nothing.

use std::convert::Infallible;
use std::task::{Context, Poll};

use axum::response::Response;
use http::{HeaderMap, HeaderName};
use resilience::backpressure::{Credit, CreditGate, CreditLayer, CreditSettings};
use resilience::{Observer, Reason};
use tower::layer::util::Stack;
use tower::{Layer, Service};

use super::answered::{Answered, OnAnswer};
use super::refusals::AnswerRefusalsLayer;
use crate::design::{CreditGrants, PositiveDuration};
use crate::telemetry::Telemetry;

/// How many orders may be with order-processor at once.
pub(crate) const X_CREDITS: HeaderName = HeaderName::from_static("x-credits");

/// order-api's side: the window it was granted.
#[derive(Clone, Debug)]
pub(crate) struct CreditWindow {
    gate: CreditGate,
    credits_max: usize,
}

impl CreditWindow {
    /// As many as the design begins with.
    pub(crate) fn new(credits: &CreditGrants, retry_after: PositiveDuration, telemetry: &Telemetry) -> Self {
        let settings = exactly(credits.initial.get() as usize);
        let gate = CreditGate::observed(settings, retry_after.get(), Refusals(telemetry.clone()));
        let gate = gate.expect("a fixed number of credits is in order");
        Self { gate, credits_max: credits.max.get() as usize }
    }

    /// Spends a credit for each order, and refuses where there is none.
    pub(crate) fn layer(&self) -> Stack<CreditLayer, AnswerRefusalsLayer> {
        Stack::new(CreditLayer::new(self.gate.clone()), AnswerRefusalsLayer)
    }

    /// Takes note of what an answer grants.
    pub(crate) fn note(&self, headers: &HeaderMap) {
        let granted = headers.get(X_CREDITS).and_then(|value| value.to_str().ok()?.parse().ok());
        let Some(granted) = granted.map(|granted: usize| granted.clamp(1, self.credits_max)) else { return };
        if granted != self.gate.total() {
            self.gate.set_settings(exactly(granted)).expect("a fixed number of credits is in order");
        }
    }
}

/// A gate's settings that leave it nothing to decide.
fn exactly(credits: usize) -> CreditSettings {
    CreditSettings { initial: credits, min: credits, max: credits, ..CreditSettings::default() }
}

/// Counts refusals for want of a credit. Orders in work have a gauge of their own.
#[derive(Debug)]
struct Refusals(Telemetry);

impl Observer for Refusals {
    fn refused(&self, reason: Reason) {
        Observer::refused(&self.0, reason);
    }
}

/// order-processor's side: counts who is here, and says with every answer how many may be.
#[derive(Clone, Debug)]
pub(crate) struct GrantCreditsLayer {
    gate: CreditGate,
}

impl GrantCreditsLayer {
    /// Grants what this gate says.
    pub(crate) const fn new(gate: CreditGate) -> Self {
        Self { gate }
    }
}

impl<S> Layer<S> for GrantCreditsLayer {
    type Service = GrantCredits<S>;

    fn layer(&self, inner: S) -> GrantCredits<S> {
        GrantCredits { gate: self.gate.clone(), inner }
    }
}

/// A service whose answers grant credits.
#[derive(Clone, Debug)]
pub(crate) struct GrantCredits<S> {
    gate: CreditGate,
    inner: S,
}

impl<S, R> Service<R> for GrantCredits<S>
where
    S: Service<R, Response = Response, Error = Infallible>,
{
    type Response = Response;
    type Error = Infallible;
    type Future = Answered<S::Future, Grant>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let credit = self.gate.try_acquire().ok();
        Answered::new(self.inner.call(request), Grant { credit, gate: self.gate.clone() })
    }
}

/// An order that is here until it is answered or dropped, and what is granted then.
pub(crate) struct Grant {
    credit: Option<Credit>,
    gate: CreditGate,
}

impl OnAnswer for Grant {
    fn answered(self, response: &mut Response) {
        // Whoever is answered may come back at once: its place is free before.
        drop(self.credit);
        response.headers_mut().insert(X_CREDITS, self.gate.total().into());
    }
}
