//! Notices in memory.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard};

use async_trait::async_trait;

use crate::ids::EventId;
use crate::notice::Notice;
use crate::ports::{NoticeStore, StoreError};

/// A [`NoticeStore`] in memory. See [`crate::memory`] for what survives what.
#[derive(Debug, Default)]
pub struct MemoryNotices {
    notices: Mutex<BTreeMap<EventId, Notice>>,
}

impl MemoryNotices {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<EventId, Notice>> {
        self.notices.lock().expect("nothing panics while it holds this lock")
    }
}

#[async_trait]
impl NoticeStore for MemoryNotices {
    async fn record(&self, notice: Notice) -> Result<bool, StoreError> {
        let mut notices = self.lock();
        let is_new = !notices.contains_key(&notice.id);
        if is_new {
            notices.insert(notice.id.clone(), notice);
        }
        Ok(is_new)
    }

    async fn all(&self) -> Result<Vec<Notice>, StoreError> {
        Ok(self.lock().values().cloned().collect())
    }

    async fn check(&self) -> Result<(), StoreError> {
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::contract;

    #[tokio::test]
    async fn keeps_the_contract_of_a_notice_store() {
        contract::notice_store(|| Arc::new(MemoryNotices::new())).await;
    }
}
