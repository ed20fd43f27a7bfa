//! The layer: where a deadline enters a stack of services.

use std::sync::Arc;

use tower::Layer;

use super::deadline::Nowhere;
use super::observer::TimeoutObserver;
use super::policy::TimeLimits;
use super::service::Timeout;
use super::shared::{Shared, TimeoutHandle};

/// Gives calls an end. All services made by this layer and its clones share its limits and counts.
#[derive(Clone, Debug)]
pub struct TimeoutLayer<K = Nowhere> {
    shared: Arc<Shared>,
    carrier: K,
}

impl TimeoutLayer {
    /// A layer that nobody watches, for requests that carry no deadline.
    #[must_use]
    pub fn new(limits: TimeLimits) -> Self {
        Self::observed(limits, ())
    }

    /// A layer that tells `observer` of every end that came too early.
    #[must_use]
    pub fn observed(limits: TimeLimits, observer: impl TimeoutObserver + 'static) -> Self {
        Self { shared: Shared::new(limits, observer), carrier: Nowhere }
    }
}

impl<K> TimeoutLayer<K> {
    /// Honours the deadline that requests carry, and makes them carry the shorter one further in.
    #[must_use]
    pub fn carried_by<C>(self, carrier: C) -> TimeoutLayer<C> {
        TimeoutLayer { shared: self.shared, carrier }
    }

    /// Reads and changes the limits at run time.
    #[must_use]
    pub fn handle(&self) -> TimeoutHandle {
        TimeoutHandle::new(self.shared.clone())
    }
}

impl<S, K: Clone> Layer<S> for TimeoutLayer<K> {
    type Service = Timeout<S, K>;

    fn layer(&self, inner: S) -> Timeout<S, K> {
        Timeout::new(inner, self.shared.clone(), self.carrier.clone())
    }
}
