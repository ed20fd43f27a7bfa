//! The layer, and what it keeps to.

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use tower::Layer;

use super::buckets::SharedBuckets;
use super::service::SharedRateService;
use super::shared::{Shared, SharedRateObserver};
use crate::admission::policy::Rate;

/// A rate for all processes that use the same buckets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SharedRate {
    /// The bucket's name, the same for all who share it.
    pub name: String,
    /// Calls per second, of all together.
    pub rate: Rate,
    /// How many of them at once.
    pub burst: NonZeroU32,
    /// How long the store may take to answer. Default: 20 ms.
    pub timeout: Duration,
    /// How long the store is left alone when it did not answer. Default: 500 ms.
    pub rest: Duration,
}

impl SharedRate {
    /// A rate with the defaults.
    #[must_use]
    pub fn new(name: impl Into<String>, rate: Rate, burst: NonZeroU32) -> Self {
        let (timeout, rest) = (Duration::from_millis(20), Duration::from_millis(500));
        Self { name: name.into(), rate, burst, timeout, rest }
    }
}

/// Puts a [`SharedRate`] before services. All services made by this layer and its clones share it, and so does
/// every process with the same name in the same store.
#[derive(Clone, Debug)]
pub struct SharedRateLayer {
    shared: Arc<Shared>,
}

impl SharedRateLayer {
    /// A layer that nobody watches.
    #[must_use]
    pub fn new(rate: SharedRate, buckets: Arc<dyn SharedBuckets>) -> Self {
        Self::observed(rate, buckets, ())
    }

    /// A layer that tells `observer` of every change.
    #[must_use]
    pub fn observed(
        rate: SharedRate,
        buckets: Arc<dyn SharedBuckets>,
        observer: impl SharedRateObserver + 'static,
    ) -> Self {
        Self { shared: Shared::new(rate, buckets, observer) }
    }
}

impl<S> Layer<S> for SharedRateLayer {
    type Service = SharedRateService<S>;

    fn layer(&self, inner: S) -> SharedRateService<S> {
        SharedRateService::new(inner, Arc::clone(&self.shared))
    }
}
