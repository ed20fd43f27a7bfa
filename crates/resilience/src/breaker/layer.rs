//! The layer: where a breaker enters a stack of services.

use std::fmt;
use std::sync::Arc;

use tower::Layer;

use super::observer::BreakerObserver;
use super::policy::{BreakerLimits, InvalidBreaker};
use super::service::BreakerService;
use super::shared::{BreakerHandle, Shared};

/// Puts one breaker before services. All services made by this layer and its clones share it.
///
/// One layer per dependency: what they share is the verdict about it. Outside of it stand retries, inside
/// of it timeouts.
#[derive(Clone)]
pub struct BreakerLayer<J> {
    shared: Arc<Shared>,
    judge: J,
}

impl<J> BreakerLayer<J> {
    /// A breaker that nobody watches. `judge` tells what a result says about the dependency.
    ///
    /// # Errors
    /// When the limits contradict themselves.
    pub fn new(limits: BreakerLimits, judge: J) -> Result<Self, InvalidBreaker> {
        Self::observed(limits, judge, ())
    }

    /// A breaker that tells `observer` of every transition, refusal and judgement.
    ///
    /// # Errors
    /// When the limits contradict themselves.
    pub fn observed(
        limits: BreakerLimits,
        judge: J,
        observer: impl BreakerObserver + 'static,
    ) -> Result<Self, InvalidBreaker> {
        Ok(Self { shared: Shared::new(limits, Box::new(observer))?, judge })
    }

    /// Reads and changes the breaker at run time.
    #[must_use]
    pub fn handle(&self) -> BreakerHandle {
        BreakerHandle::new(self.shared.clone())
    }
}

impl<S, J: Clone> Layer<S> for BreakerLayer<J> {
    type Service = BreakerService<S, J>;

    fn layer(&self, inner: S) -> BreakerService<S, J> {
        BreakerService::new(inner, self.shared.clone(), self.judge.clone())
    }
}

impl<J> fmt::Debug for BreakerLayer<J> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BreakerLayer").field("shared", &self.shared).finish_non_exhaustive()
    }
}
