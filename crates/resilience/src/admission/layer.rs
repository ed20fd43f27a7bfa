//! The layer: where admission enters a stack of services.

use tower::Layer;

use super::policy::Limiter;
use super::service::Admission;
use super::shared::{AdmissionHandle, Shared};
use crate::observer::Observer;

/// Puts one [`Limiter`] before services. All services made by this layer and its clones share it.
///
/// It belongs outside of everything that costs: what is refused here has cost next to nothing. A permit
/// lives as long as the response future, so whatever detaches work from that future has to stand
/// outside of this layer, or the permit would be given back while the work goes on.
#[derive(Clone, Debug)]
pub struct AdmissionLayer {
    shared: std::sync::Arc<Shared>,
}

impl AdmissionLayer {
    /// A layer that nobody watches.
    #[must_use]
    pub fn new(limiter: Limiter) -> Self {
        Self::observed(limiter, ())
    }

    /// A layer that tells `observer` of every change (calls in flight, refusals).
    #[must_use]
    pub fn observed(limiter: Limiter, observer: impl Observer + 'static) -> Self {
        Self { shared: Shared::new(limiter, observer) }
    }

    /// Reads and changes the limit at run time.
    #[must_use]
    pub fn handle(&self) -> AdmissionHandle {
        AdmissionHandle::new(self.shared.clone())
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = Admission<S>;

    fn layer(&self, inner: S) -> Admission<S> {
        Admission::new(inner, self.shared.clone())
    }
}
