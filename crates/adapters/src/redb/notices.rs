//! Notices by id, written once.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use domain::{Notice, NoticeStore, StoreError};
use redb::ReadableTable;

use super::batch::Batch;
use super::fault::Fault;
use super::job::Ask;
use super::overlay::Bytes;
use super::row::Row;
use super::store::RedbStore;
use super::view::Below;

/// A notice to be written down.
struct Record {
    notice: Notice,
}

impl Ask for Record {
    type Answer = bool;

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<bool, StoreError>, Fault> {
        let id = self.notice.id.as_str();
        let known = batch.find(
            |overlay| overlay.notices.contains_key(id).then_some(()),
            |snapshot| Ok(snapshot.notices.get(id)?.map(|_| ())),
        )?;
        if known.is_some() {
            return Ok(Ok(false));
        }
        let json = serde_json::to_vec(&self.notice).expect("a notice has text keys only").into();
        batch.put(Row::Notice { id: id.into(), json });
        Ok(Ok(true))
    }
}

fn notice(id: &str, json: &[u8]) -> Result<Notice, Fault> {
    serde_json::from_slice(json).map_err(|source| Fault::Unreadable { key: id.to_owned(), source })
}

/// Every notice, by id.
fn read_all(above: &BTreeMap<Arc<str>, Bytes>, below: &Below) -> Result<Vec<Notice>, Fault> {
    let mut notices = BTreeMap::new();
    for entry in below.snapshot.notices.iter()? {
        let (id, json) = entry?;
        notices.insert(Arc::from(id.value()), notice(id.value(), json.value())?);
    }
    let frozen = below.frozen.as_deref().map(|frozen| &frozen.overlay.notices);
    for (id, json) in frozen.into_iter().chain([above]).flatten() {
        notices.insert(Arc::clone(id), notice(id, json)?);
    }
    Ok(notices.into_values().collect())
}

#[async_trait]
impl NoticeStore for RedbStore {
    async fn record(&self, notice: Notice) -> Result<bool, StoreError> {
        self.ask(Record { notice }).await
    }

    async fn all(&self) -> Result<Vec<Notice>, StoreError> {
        let (above, below) = self.view().capture(|active| active.notices.clone())?;
        self.readable(read_all(&above, &below))
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.check_writing().await
    }
}
