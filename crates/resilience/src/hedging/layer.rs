//! The layer: where hedging enters a stack of services.

use std::fmt;
use std::sync::Arc;

use tower::Layer;

use super::observer::HedgeObserver;
use super::policy::HedgeLimits;
use super::service::Hedge;
use super::shared::{HedgeHandle, Shared};

/// Asks twice when an answer is late. All services made by this layer and its clones share one budget and
/// one measurement.
///
/// It belongs inside of retries (each attempt may be hedged) and outside of what picks a machine.
#[derive(Clone)]
pub struct HedgeLayer<I, C> {
    shared: Arc<Shared>,
    is_idempotent: I,
    classifier: C,
}

impl<I, C> HedgeLayer<I, C> {
    /// A layer that nobody watches. `is_idempotent`, a `Fn(&R) -> bool`, says which requests may be sent
    /// twice, and `classifier` which results are a success.
    #[must_use]
    pub fn new(limits: HedgeLimits, is_idempotent: I, classifier: C) -> Self {
        Self::observed(limits, is_idempotent, classifier, ())
    }

    /// A layer that tells `observer` of every hedge.
    #[must_use]
    pub fn observed(
        limits: HedgeLimits,
        is_idempotent: I,
        classifier: C,
        observer: impl HedgeObserver + 'static,
    ) -> Self {
        Self { shared: Shared::new(limits, Box::new(observer)), is_idempotent, classifier }
    }

    /// Reads and changes the limits at run time.
    #[must_use]
    pub fn handle(&self) -> HedgeHandle {
        HedgeHandle::new(self.shared.clone())
    }
}

impl<S, I: Clone, C: Clone> Layer<S> for HedgeLayer<I, C> {
    type Service = Hedge<S, I, C>;

    fn layer(&self, inner: S) -> Hedge<S, I, C> {
        Hedge::new(inner, self.shared.clone(), self.is_idempotent.clone(), self.classifier.clone())
    }
}

impl<I, C> fmt::Debug for HedgeLayer<I, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HedgeLayer").field("shared", &self.shared).finish_non_exhaustive()
    }
}
