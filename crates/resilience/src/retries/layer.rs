//! The layer: where retries enter a stack of services.

use std::fmt;
use std::sync::Arc;

use tower::Layer;

use super::observer::RetryObserver;
use super::policy::RetryLimits;
use super::service::Retry;
use super::shared::{RetryHandle, Shared};
use crate::randomness::Randomness;
use crate::timeouts::Nowhere;

/// Tries again. All services made by this layer and its clones share one budget.
///
/// `C` classifies results, `K` knows where requests carry their deadline, `H` takes a hand in attempts.
#[derive(Clone)]
pub struct RetryLayer<C, K = Nowhere, H = ()> {
    shared: Arc<Shared>,
    classifier: C,
    carrier: K,
    hooks: H,
}

impl<C> RetryLayer<C> {
    /// A layer that nobody watches, for requests that carry no deadline. The jitter comes from `randomness`.
    #[must_use]
    pub fn new(limits: RetryLimits, classifier: C, randomness: impl Randomness + 'static) -> Self {
        Self::observed(limits, classifier, randomness, ())
    }

    /// A layer that tells `observer` of every attempt, pause and end.
    #[must_use]
    pub fn observed(
        limits: RetryLimits,
        classifier: C,
        randomness: impl Randomness + 'static,
        observer: impl RetryObserver + 'static,
    ) -> Self {
        let shared = Shared::new(limits, Box::new(randomness), observer);
        Self { shared, classifier, carrier: Nowhere, hooks: () }
    }
}

impl<C, K, H> RetryLayer<C, K, H> {
    /// Begins no pause that would not end before the deadline that the request carries.
    #[must_use]
    pub fn carried_by<L>(self, carrier: L) -> RetryLayer<C, L, H> {
        let Self { shared, classifier, hooks, .. } = self;
        RetryLayer { shared, classifier, carrier, hooks }
    }

    /// Lets `hooks` take a hand in attempts.
    #[must_use]
    pub fn with_hooks<I>(self, hooks: I) -> RetryLayer<C, K, I> {
        let Self { shared, classifier, carrier, .. } = self;
        RetryLayer { shared, classifier, carrier, hooks }
    }

    /// Reads and changes the limits at run time.
    #[must_use]
    pub fn handle(&self) -> RetryHandle {
        RetryHandle::new(self.shared.clone())
    }
}

impl<S, C: Clone, K: Clone, H: Clone> Layer<S> for RetryLayer<C, K, H> {
    type Service = Retry<S, C, K, H>;

    fn layer(&self, inner: S) -> Self::Service {
        let (classifier, carrier, hooks) =
            (self.classifier.clone(), self.carrier.clone(), self.hooks.clone());
        Retry { inner, shared: self.shared.clone(), classifier, carrier, hooks }
    }
}

impl<C, K, H> fmt::Debug for RetryLayer<C, K, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RetryLayer").field("shared", &self.shared).finish_non_exhaustive()
    }
}
