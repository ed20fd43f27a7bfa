//! The handle: state to read, settings to change.

use std::sync::Arc;

use super::records::RecordsError;
use super::settings::IdempotencySettings;
use super::shared::Shared;

/// Reads and changes a layer at work. Cheap to clone.
#[derive(Clone, Debug)]
pub struct IdempotencyHandle {
    shared: Arc<Shared>,
}

impl IdempotencyHandle {
    pub(super) const fn new(shared: Arc<Shared>) -> Self {
        Self { shared }
    }

    /// Keys that are in flight here now (not in other processes).
    #[must_use]
    pub fn in_flight(&self) -> usize {
        self.shared.in_flight()
    }

    /// Duplicates that wait here now.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.shared.waiting()
    }

    /// Dropped calls that the records were not told of yet.
    #[must_use]
    pub fn leftovers(&self) -> usize {
        self.shared.leftovers()
    }

    /// The settings as they stand now.
    #[must_use]
    pub fn settings(&self) -> IdempotencySettings {
        self.shared.settings()
    }

    /// Other settings from now on. Leases and expiries that were given stay as they are.
    pub fn set_settings(&self, settings: IdempotencySettings) {
        self.shared.set_settings(settings);
    }

    /// Tells the records of the calls that were dropped, so that other processes need not wait for their
    /// leases, and says how many those were. A duplicate in this process needs none of it. For a service
    /// with shared records: call it every second or so, and before it stops.
    ///
    /// Cancel safe: what was not settled is settled next time.
    ///
    /// # Errors
    /// When the records fail; the rest is settled next time.
    pub async fn settle(&self) -> Result<usize, RecordsError> {
        self.shared.settle().await
    }
}
