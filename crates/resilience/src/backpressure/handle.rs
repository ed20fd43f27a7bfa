//! Reads and changes a pool while it is at work.

use std::sync::Arc;

use super::policy::PoolLimits;
use super::shared::Shared;
use super::strategy::Front;

/// Reads and changes a pool's limits while it is at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct WorkerPoolHandle {
    shared: Arc<Shared>,
}

impl WorkerPoolHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Calls that have a worker now.
    #[must_use]
    pub fn running(&self) -> usize {
        self.shared.running()
    }

    /// Calls that wait now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.waiting()
    }

    /// The limits as they stand now.
    #[must_use]
    pub fn limits(&self) -> PoolLimits {
        self.shared.limits()
    }

    /// Other limits from now on. More workers take up waiters at once; fewer interrupt nothing.
    pub fn set_limits(&self, limits: PoolLimits) {
        self.shared.set_limits(limits);
    }

    /// Whether the queue says that it is overloaded; `None` for disciplines that do not judge that.
    #[must_use]
    pub fn is_overloaded(&self) -> Option<bool> {
        self.shared.is_overloaded()
    }

    /// What stands before the queue, as it is now.
    #[must_use]
    pub fn front(&self) -> Front {
        self.shared.front()
    }

    /// Another front from now on. A bucket that replaces one of its kind keeps what is in it; who is being
    /// paced keeps its time.
    pub fn set_front(&self, front: Front) {
        self.shared.set_front(front);
    }
}
