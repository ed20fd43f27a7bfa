//! The layer: where a rule enters a stack of services.

use std::fmt;
use std::sync::Arc;

use tower::Layer;

use super::rule::{ErrorsAreOverload, Rule, Untagged};
use super::service::Guard;
use super::shared::{GuardHandle, Shared};
use crate::observer::Observer;

/// Puts one [`Rule`] before services. All services made by this layer and its clones share it.
///
/// It belongs outside of everything that costs. What times calls out has to stand inside, or a call that
/// is given up there would look like one whose caller left.
pub struct GuardLayer<P, G = Untagged, J = ErrorsAreOverload> {
    shared: Arc<Shared<P>>,
    tagger: G,
    judge: J,
}

impl<P: Rule> GuardLayer<P> {
    /// A layer that nobody watches, with the default judge.
    #[must_use]
    pub fn new(rule: P) -> Self {
        Self::observed(rule, ())
    }

    /// A layer that tells `observer` of every change (calls in flight, the limit, refusals).
    #[must_use]
    pub fn observed(rule: P, observer: impl Observer + 'static) -> Self {
        let shared = Shared::new(rule, Box::new(observer));
        Self { shared, tagger: Untagged, judge: ErrorsAreOverload }
    }
}

impl<P: Rule, G, J> GuardLayer<P, G, J> {
    /// The same layer, with what the rule has to know of a request taken from it by `tagger`.
    #[must_use]
    pub fn tagged<R, F: Fn(&R) -> P::Tag>(self, tagger: F) -> GuardLayer<P, F, J> {
        GuardLayer { shared: self.shared, tagger, judge: self.judge }
    }

    /// The same layer, with results read by `judge`.
    #[must_use]
    pub fn judged<T, E, F: Fn(&Result<T, E>) -> super::Outcome>(self, judge: F) -> GuardLayer<P, G, F> {
        GuardLayer { shared: self.shared, tagger: self.tagger, judge }
    }

    /// Reads and changes the rule at run time.
    #[must_use]
    pub fn handle(&self) -> GuardHandle<P> {
        GuardHandle::new(Arc::clone(&self.shared))
    }
}

impl<P, G: Clone, J: Clone> Clone for GuardLayer<P, G, J> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared), tagger: self.tagger.clone(), judge: self.judge.clone() }
    }
}

impl<P: fmt::Debug, G, J> fmt::Debug for GuardLayer<P, G, J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GuardLayer").field("shared", &self.shared).finish_non_exhaustive()
    }
}

impl<S, P, G: Clone, J: Clone> Layer<S> for GuardLayer<P, G, J> {
    type Service = Guard<S, P, G, J>;

    fn layer(&self, inner: S) -> Self::Service {
        Guard::new(inner, Arc::clone(&self.shared), self.tagger.clone(), self.judge.clone())
    }
}
