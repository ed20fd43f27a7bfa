//! A checkpoint: what the log has, of many batches, is brought into the tables in one transaction.
//!
//! An order that came and went in between is written once, where it belongs when all is over. What is written is in the
//! order of the keys. Idempotency keys whose time is over are swept here as well: that they are gone need not be in the
//! log, because nobody can tell.

use std::time::Duration;

use redb::{Database, Durability, ReadableTable, ReadableTableMetadata, Table, WriteTransaction};

use super::fault::Fault;
use super::overlay::Overlay;
use super::row::answer;
use super::tables::{
    CHARGE_KEYS, CHARGES, FINAL_ORDERS, LAST_SEQUENCE_KEY, LOG_KEY, META, NOTICES, OPEN_ORDERS, OUTBOX,
    RECORD_ENDS, RECORDS, TOTALS, VOIDED,
};
use super::view::Numbers;

/// How many answers are kept. Beyond that those that would expire next are forgotten before their time.
const RECORDS_MAX: u64 = 5_000_000;

/// What the tables are to have.
#[derive(Debug)]
pub(super) struct Frozen {
    /// What was changed.
    pub(super) overlay: Overlay,
    /// The numbers that go with it; `None`: as they are in the tables.
    pub(super) numbers: Option<Numbers>,
    /// The number of the last record in the log that all this is of.
    pub(super) last: u64,
}

/// Which answers may go.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sweep {
    /// Those that are over by then.
    pub(super) by: Duration,
    /// How many of them.
    pub(super) at_most: usize,
}

impl Sweep {
    /// None may.
    pub(super) const NOTHING: Self = Self { by: Duration::ZERO, at_most: 0 };
}

/// Makes the transaction. Says how many answers it has swept.
pub(super) fn write(database: &Database, frozen: &Frozen, sweep: Sweep) -> Result<usize, Fault> {
    let mut transaction = database.begin_write()?;
    transaction.set_durability(Durability::Immediate).expect("a fresh transaction may be durable");
    let Frozen { overlay, numbers, last } = frozen;
    orders(&transaction, overlay)?;
    payments(&transaction, overlay)?;
    let swept = records(&transaction, overlay, sweep)?;
    let mut meta = transaction.open_table(META)?;
    meta.insert(LOG_KEY, last)?;
    if let Some(Numbers { totals, last_sequence }) = numbers {
        meta.insert(LAST_SEQUENCE_KEY, last_sequence)?;
        let mut table = transaction.open_table(TOTALS)?;
        for (state, total) in totals {
            table.insert(state.as_str(), total)?;
        }
    }
    drop(meta);
    transaction.commit()?;
    Ok(swept)
}

fn orders(transaction: &WriteTransaction, overlay: &Overlay) -> Result<(), Fault> {
    if !overlay.orders.is_empty() {
        let mut open_orders = transaction.open_table(OPEN_ORDERS)?;
        let mut final_orders = transaction.open_table(FINAL_ORDERS)?;
        for (id, order) in &overlay.orders {
            if order.is_final {
                open_orders.remove(id.as_str())?;
                final_orders.insert(id.as_str(), &*order.json)?;
            } else {
                open_orders.insert(id.as_str(), &*order.json)?;
            }
        }
    }
    if !overlay.outbox.is_empty() {
        let mut outbox = transaction.open_table(OUTBOX)?;
        for (sequence, message) in &overlay.outbox {
            match message {
                None => drop(outbox.remove(sequence)?),
                Some(message) => {
                    let (event_id, topic, key) = (message.event_id.as_str(), &*message.topic, &*message.key);
                    outbox.insert(sequence, (event_id, topic, key, &*message.payload, message.at_us))?;
                }
            }
        }
    }
    Ok(())
}

fn payments(transaction: &WriteTransaction, overlay: &Overlay) -> Result<(), Fault> {
    if !overlay.charges.is_empty() {
        let mut charges = transaction.open_table(CHARGES)?;
        for (id, json) in &overlay.charges {
            charges.insert(&**id, &**json)?;
        }
    }
    if !overlay.charge_keys.is_empty() {
        let mut charge_keys = transaction.open_table(CHARGE_KEYS)?;
        for (key, id) in &overlay.charge_keys {
            charge_keys.insert(&**key, &**id)?;
        }
    }
    if !overlay.voided.is_empty() {
        let mut voided = transaction.open_table(VOIDED)?;
        for key in &overlay.voided {
            voided.insert(&**key, ())?;
        }
    }
    if !overlay.notices.is_empty() {
        let mut notices = transaction.open_table(NOTICES)?;
        for (id, json) in &overlay.notices {
            notices.insert(&**id, &**json)?;
        }
    }
    Ok(())
}

type Records<'txn> = Table<'txn, (&'static str, &'static str), super::tables::StoredRecord>;
type RecordEnds<'txn> = Table<'txn, (u128, &'static str, &'static str), ()>;

fn records(transaction: &WriteTransaction, overlay: &Overlay, sweep: Sweep) -> Result<usize, Fault> {
    let mut records = transaction.open_table(RECORDS)?;
    let mut ends = transaction.open_table(RECORD_ENDS)?;
    for (key, record) in &overlay.records {
        let (until, claim) = (record.until.as_nanos(), record.claim);
        let row = (record.fingerprint.0, claim.owner, claim.number, until, answer(record));
        let before = records.insert((key.text(), key.scope()), row)?.map(|before| before.value().3);
        if let Some(before) = before {
            ends.remove((before, key.text(), key.scope()))?;
        }
        ends.insert((until, key.text(), key.scope()), ())?;
    }
    let mut swept = 0;
    while swept < sweep.at_most && remove_next(&mut records, &mut ends, Some(sweep.by.as_nanos()))? {
        swept += 1;
    }
    while records.len()? > RECORDS_MAX && remove_next(&mut records, &mut ends, None)? {}
    Ok(swept)
}

/// Forgets the answer that is over next, if it is over by then.
fn remove_next(
    records: &mut Records<'_>,
    ends: &mut RecordEnds<'_>,
    by: Option<u128>,
) -> Result<bool, Fault> {
    let next = ends.first()?.map(|(end, _)| {
        let (until, text, scope) = end.value();
        (until, text.to_owned(), scope.to_owned())
    });
    let Some((until, text, scope)) = next.filter(|(until, ..)| by.is_none_or(|by| *until <= by)) else {
        return Ok(false);
    };
    ends.remove((until, text.as_str(), scope.as_str()))?;
    records.remove((text.as_str(), scope.as_str()))?;
    Ok(true)
}
