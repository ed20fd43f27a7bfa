//! What the log beside a file does when it is not as it should be, on real files: an image of both is taken while the
//! store is open, as a crash would leave it.

use std::path::PathBuf;

use redb::{Database, TableDefinition};

use super::super::tables::{FINAL_ORDERS, OPEN_ORDERS, TOTALS};
use super::*;

const SECTOR_BYTES: usize = 512;

fn log(directory: &Path) -> PathBuf {
    directory.join(format!("{FILE}.log-0"))
}

/// What is in a directory now, in another.
fn image(of: &Path) -> TempDir {
    let image = directory();
    for entry in std::fs::read_dir(of).expect("a directory") {
        let entry = entry.expect("an entry");
        std::fs::copy(entry.path(), image.path().join(entry.file_name())).expect("copied");
    }
    image
}

/// An image of a store with three orders, each of them in a record of its own and none in a table.
async fn crashed() -> TempDir {
    let directory = directory();
    let store = open(directory.path()).await;
    for name in ["o-1", "o-2", "o-3"] {
        store.insert_with(order(name), vec![message(name)]).await.expect("free");
    }
    image(directory.path())
}

async fn orders(directory: &Path) -> Vec<Order> {
    let store = open(directory).await;
    let orders = OrderStore::all(&store).await.expect("there");
    store.close().await;
    orders
}

/// Where the records in a log begin.
fn records(log: &[u8]) -> Vec<usize> {
    let is_record = |at: &usize| log[at + 8..].starts_with(b"\xfffflog");
    (0..log.len()).step_by(SECTOR_BYTES).filter(is_record).collect()
}

#[tokio::test]
async fn what_is_in_the_log_only_is_there_after_a_crash_and_after_the_next_one() {
    let first = crashed().await;
    assert_eq!(orders(image(first.path()).path()).await, [order("o-1"), order("o-2"), order("o-3")]);
    let store = open(first.path()).await;
    store.insert(order("o-4")).await.expect("free");
    assert_eq!(store.pending_total().await, Ok(3));
    let second = image(first.path());
    assert_eq!(orders(second.path()).await.len(), 4);
}

#[tokio::test]
async fn a_record_that_was_not_finished_is_the_end_of_the_log() {
    let crashed = crashed().await;
    let whole = std::fs::read(log(crashed.path())).expect("readable");
    let last = *records(&whole).last().expect("records");
    for length in [last, last + 1, last + 100, last + 300] {
        let image = image(crashed.path());
        std::fs::write(log(image.path()), &whole[..length]).expect("written");
        assert_eq!(orders(image.path()).await, [order("o-1"), order("o-2")], "{length} bytes");
        assert_eq!(orders(image.path()).await, [order("o-1"), order("o-2")], "{length} bytes, again");
    }
}

#[tokio::test]
async fn damage_before_what_is_whole_is_told() {
    let crashed = crashed().await;
    let whole = std::fs::read(log(crashed.path())).expect("readable");
    let records = records(&whole);
    assert_eq!(records.len(), 3);
    for at in [records[0], records[0] + 100, records[1] + 10, records[2] - SECTOR_BYTES] {
        let image = image(crashed.path());
        let mut bytes = whole.clone();
        bytes[at] ^= 0x55;
        std::fs::write(log(image.path()), bytes).expect("written");
        let error = refused(image.path()).await;
        assert!(matches!(error, OpenError::Damaged { .. }), "{at}: {error:?}");
        let text = error.to_string();
        assert!(text.contains("is missing in its log") && text.contains(FILE), "{text}");
    }
}

#[tokio::test]
async fn the_log_of_another_store_is_not_taken_for_ones_own() {
    let (crashed, other) = (crashed().await, crashed().await);
    std::fs::copy(log(other.path()), log(crashed.path())).expect("copied");
    let error = refused(crashed.path()).await;
    assert!(error.to_string().contains("is another store's"), "{error}");
    // The log of a file that was moved away.
    std::fs::remove_file(other.path().join(FILE)).expect("removed");
    let error = refused(other.path()).await;
    assert!(error.to_string().contains("is another store's"), "{error}");
}

#[tokio::test]
async fn a_copy_from_before_the_log_is_told() {
    let directory = directory();
    let store = open(directory.path()).await;
    let before = image(directory.path());
    store.insert(order("o-1")).await.expect("free");
    store.close().await;
    let store = open(directory.path()).await;
    store.insert(order("o-2")).await.expect("free");
    std::fs::copy(before.path().join(FILE), directory.path().join("old")).expect("copied");
    let image = image(directory.path());
    std::fs::rename(image.path().join("old"), image.path().join(FILE)).expect("renamed");
    let error = refused(image.path()).await;
    assert!(matches!(error, OpenError::Damaged { .. }), "{error:?}");
}

#[tokio::test]
async fn a_file_of_the_first_schema_is_taken_over_with_all_that_is_in_it() {
    let directory = directory();
    let finished = {
        let mut finished = order("o-2");
        finished.apply(OrderEvent::PaymentStarted, 2_000).expect("legal");
        finished.apply(paid(), 3_000).expect("legal");
        finished
    };
    let database = Database::create(directory.path().join(FILE)).expect("a database");
    let transaction = database.begin_write().expect("a transaction");
    {
        let mut meta = transaction.open_table(META).expect("a table");
        meta.insert(SCHEMA_KEY, 1).expect("written");
        meta.insert("last_sequence", 1).expect("written");
        let json = |order: &Order| serde_json::to_vec(order).expect("JSON");
        let mut open_orders = transaction.open_table(OPEN_ORDERS).expect("a table");
        open_orders.insert("o-1", json(&order("o-1")).as_slice()).expect("written");
        let mut final_orders = transaction.open_table(FINAL_ORDERS).expect("a table");
        final_orders.insert("o-2", json(&finished).as_slice()).expect("written");
        let mut totals = transaction.open_table(TOTALS).expect("a table");
        totals.insert("placed", 1).expect("written");
        totals.insert("completed", 1).expect("written");
        // What that schema called a row of the outbox, by what it was then.
        type Row = (&'static str, &'static str, &'static str, &'static [u8], u64);
        let outbox: TableDefinition<'_, u64, Row> = TableDefinition::new("outbox");
        let mut outbox = transaction.open_table(outbox).expect("a table");
        outbox.insert(1, ("e-1", "orders", "o-1", &[0, 255][..], 1_000)).expect("written");
    }
    transaction.commit().expect("committed");
    drop(database);
    for _opening in 0..2 {
        let store = open(directory.path()).await;
        assert_eq!(OrderStore::all(&store).await, Ok(vec![order("o-1"), finished.clone()]));
        assert_eq!(store.unfinished(9_000, 9).await, Ok(vec![order("o-1")]));
        assert_eq!(store.totals().await, Ok([(OrderState::Placed, 1), (OrderState::Completed, 1)].into()));
        let pending = store.pending(0, 9).await.expect("there");
        assert_eq!(pending.first().map(|pending| pending.message.clone()), Some(message("e-1")));
        store.close().await;
    }
    let store = open(directory.path()).await;
    store.insert_with(order("o-3"), vec![message("e-3")]).await.expect("free");
    assert_eq!(store.pending(0, 9).await.expect("there").len(), 2);
}
