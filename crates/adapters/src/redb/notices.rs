//! Notices by id, written once.

use async_trait::async_trait;
use domain::{Notice, NoticeStore, StoreError};
use redb::{ReadTransaction, ReadableTable};

use super::batch::Batch;
use super::fault::Fault;
use super::job::Ask;
use super::store::RedbStore;
use super::tables::NOTICES;

/// A notice to be written down.
struct Record {
    notice: Notice,
}

impl Ask for Record {
    type Answer = bool;

    fn run(self, batch: &mut Batch<'_>) -> Result<Result<bool, StoreError>, Fault> {
        let id = self.notice.id.as_str();
        if batch.notices()?.get(id)?.is_some() {
            return Ok(Ok(false));
        }
        let json = serde_json::to_vec(&self.notice).expect("a notice has text keys only");
        batch.notices()?.insert(id, json.as_slice())?;
        batch.changes.wrote = true;
        Ok(Ok(true))
    }
}

fn read_all(snapshot: &ReadTransaction) -> Result<Vec<Notice>, Fault> {
    let mut notices = Vec::new();
    for entry in snapshot.open_table(NOTICES)?.iter()? {
        let (id, json) = entry?;
        let notice = serde_json::from_slice(json.value());
        notices.push(notice.map_err(|source| Fault::Unreadable { key: id.value().to_owned(), source })?);
    }
    Ok(notices)
}

#[async_trait]
impl NoticeStore for RedbStore {
    async fn record(&self, notice: Notice) -> Result<bool, StoreError> {
        self.ask(Record { notice }).await
    }

    async fn all(&self) -> Result<Vec<Notice>, StoreError> {
        self.read(read_all)
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.check_writing().await
    }
}
