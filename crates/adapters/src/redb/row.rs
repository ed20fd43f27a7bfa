//! A change as it stands in the log: a thing as it is from then on, in a few bytes before the bytes of the thing itself.
//!
//! A tag, then its fields. Numbers are little-endian; what has a length is preceded by it (32 bits).

use std::sync::Arc;
use std::time::Duration;

use domain::{EventId, Message, OrderId};
use resilience::idempotency::policy::{Record, RecordState};
use resilience::idempotency::{Answer, Claim, Fingerprint, Key};
use thiserror::Error;

use super::overlay::{Bytes, StoredOrder};

/// A change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Row {
    /// An order is like this.
    Order { id: OrderId, order: StoredOrder },
    /// A message is to be sent.
    Message { sequence: u64, message: Arc<Message> },
    /// It need not be sent any more.
    Sent { sequence: u64 },
    /// A charge is like this.
    Charge { id: Arc<str>, json: Bytes },
    /// A charge was made under this key.
    ChargeKey { key: Arc<str>, id: Arc<str> },
    /// Nothing may be charged under this key.
    Voided { key: Arc<str> },
    /// A customer was told.
    Notice { id: Arc<str>, json: Bytes },
    /// A key has its answer.
    Record { key: Key, record: Record },
}

/// Bytes that are no row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("it holds a change that this program does not understand")]
pub(super) struct NoRow;

/// Tags. A number is never given to something else.
mod tag {
    pub(super) const OPEN_ORDER: u8 = 1;
    pub(super) const FINAL_ORDER: u8 = 2;
    pub(super) const MESSAGE: u8 = 3;
    pub(super) const SENT: u8 = 4;
    pub(super) const CHARGE: u8 = 5;
    pub(super) const CHARGE_KEY: u8 = 6;
    pub(super) const VOIDED: u8 = 7;
    pub(super) const NOTICE: u8 = 8;
    pub(super) const RECORD: u8 = 9;
}

impl Row {
    /// Appends it.
    pub(super) fn encode(&self, out: &mut Vec<u8>) {
        match self {
            Self::Order { id, order } => {
                out.push(if order.is_final { tag::FINAL_ORDER } else { tag::OPEN_ORDER });
                put_bytes(out, id.as_str().as_bytes());
                put_bytes(out, &order.json);
            }
            Self::Message { sequence, message } => {
                out.push(tag::MESSAGE);
                out.extend(sequence.to_le_bytes());
                out.extend(message.at_us.to_le_bytes());
                put_bytes(out, message.event_id.as_str().as_bytes());
                put_bytes(out, message.topic.as_bytes());
                put_bytes(out, message.key.as_bytes());
                put_bytes(out, &message.payload);
            }
            Self::Sent { sequence } => {
                out.push(tag::SENT);
                out.extend(sequence.to_le_bytes());
            }
            Self::Charge { id, json } => put_pair(out, tag::CHARGE, id.as_bytes(), json),
            Self::ChargeKey { key, id } => put_pair(out, tag::CHARGE_KEY, key.as_bytes(), id.as_bytes()),
            Self::Voided { key } => {
                out.push(tag::VOIDED);
                put_bytes(out, key.as_bytes());
            }
            Self::Notice { id, json } => put_pair(out, tag::NOTICE, id.as_bytes(), json),
            Self::Record { key, record } => {
                out.push(tag::RECORD);
                put_bytes(out, key.scope().as_bytes());
                put_bytes(out, key.text().as_bytes());
                out.extend(record.fingerprint.0.to_le_bytes());
                out.extend(record.claim.owner.to_le_bytes());
                out.extend(record.claim.number.to_le_bytes());
                out.extend(record.until.as_nanos().to_le_bytes());
                put_bytes(out, answer(record));
            }
        }
    }

    /// Takes one from the front.
    pub(super) fn decode(from: &mut &[u8]) -> Result<Self, NoRow> {
        let [tag] = array(from)?;
        Ok(match tag {
            tag::OPEN_ORDER | tag::FINAL_ORDER => {
                let id = OrderId::new(text(from)?).map_err(|_| NoRow)?;
                let order = StoredOrder { is_final: tag == tag::FINAL_ORDER, json: bytes(from)?.into() };
                Self::Order { id, order }
            }
            tag::MESSAGE => {
                let sequence = number(from)?;
                let message = Message {
                    at_us: number(from)?,
                    event_id: EventId::new(text(from)?).map_err(|_| NoRow)?,
                    topic: text(from)?.to_owned(),
                    key: text(from)?.to_owned(),
                    payload: bytes(from)?.to_vec(),
                };
                Self::Message { sequence, message: Arc::new(message) }
            }
            tag::SENT => Self::Sent { sequence: number(from)? },
            tag::CHARGE => Self::Charge { id: text(from)?.into(), json: bytes(from)?.into() },
            tag::CHARGE_KEY => Self::ChargeKey { key: text(from)?.into(), id: text(from)?.into() },
            tag::VOIDED => Self::Voided { key: text(from)?.into() },
            tag::NOTICE => Self::Notice { id: text(from)?.into(), json: bytes(from)?.into() },
            tag::RECORD => {
                let (scope, text) = (text(from)?, text(from)?);
                let key = Key::new(scope, text).map_err(|_| NoRow)?;
                let fingerprint = Fingerprint(u128::from_le_bytes(array(from)?));
                let claim = Claim { owner: number(from)?, number: number(from)? };
                let until = Duration::from_nanos_u128(u128::from_le_bytes(array(from)?));
                let state = RecordState::Completed(Answer(bytes(from)?.into()));
                Self::Record { key, record: Record { fingerprint, claim, until, state } }
            }
            _ => return Err(NoRow),
        })
    }
}

/// The answer of a completed record.
pub(super) fn answer(record: &Record) -> &[u8] {
    match &record.state {
        RecordState::Completed(answer) => &answer.0,
        RecordState::InFlight => unreachable!("what is in flight is in memory only"),
    }
}

fn put_bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    let length = u32::try_from(bytes.len()).expect("no value is as large as that");
    out.extend(length.to_le_bytes());
    out.extend(bytes);
}

fn put_pair(out: &mut Vec<u8>, tag: u8, key: &[u8], value: &[u8]) {
    out.push(tag);
    put_bytes(out, key);
    put_bytes(out, value);
}

fn array<const N: usize>(from: &mut &[u8]) -> Result<[u8; N], NoRow> {
    let (array, rest) = from.split_first_chunk().ok_or(NoRow)?;
    *from = rest;
    Ok(*array)
}

/// A number of 64 bits.
pub(super) fn number(from: &mut &[u8]) -> Result<u64, NoRow> {
    array(from).map(u64::from_le_bytes)
}

fn bytes<'a>(from: &mut &'a [u8]) -> Result<&'a [u8], NoRow> {
    let length = u32::from_le_bytes(array(from)?) as usize;
    let (bytes, rest) = from.split_at_checked(length).ok_or(NoRow)?;
    *from = rest;
    Ok(bytes)
}

fn text<'a>(from: &mut &'a [u8]) -> Result<&'a str, NoRow> {
    std::str::from_utf8(bytes(from)?).map_err(|_| NoRow)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn rows() -> Vec<Row> {
        let json = Bytes::from(&b"{}"[..]);
        let order = |is_final| StoredOrder { is_final, json: json.clone() };
        let id = OrderId::new("o-1").expect("a valid id");
        let message = Message {
            event_id: EventId::new("e-1").expect("a valid id"),
            topic: "orders".to_owned(),
            key: "o-1".to_owned(),
            payload: vec![0, 255],
            at_us: 1_000,
        };
        let record = Record {
            fingerprint: Fingerprint(u128::MAX - 1),
            claim: Claim { owner: 7, number: 8 },
            until: Duration::from_nanos(1_234_567_890_123),
            state: RecordState::Completed(Answer::from(vec![1, 2, 3])),
        };
        vec![
            Row::Order { id: id.clone(), order: order(false) },
            Row::Order { id, order: order(true) },
            Row::Message { sequence: u64::MAX, message: Arc::new(message) },
            Row::Sent { sequence: 3 },
            Row::Charge { id: "ch-1".into(), json: json.clone() },
            Row::ChargeKey { key: "k-1".into(), id: "ch-1".into() },
            Row::Voided { key: "k-2".into() },
            Row::Notice { id: "n-1".into(), json },
            Row::Record { key: Key::new("c1", "k-3").expect("a key"), record },
        ]
    }

    fn encoded() -> Vec<u8> {
        let mut out = Vec::new();
        rows().iter().for_each(|row| row.encode(&mut out));
        out
    }

    #[test]
    fn what_is_written_is_read_again() {
        let out = encoded();
        let mut from = &out[..];
        let read: Vec<_> = rows().iter().map(|_| Row::decode(&mut from).expect("a row")).collect();
        assert_eq!((read, from), (rows(), &[][..]));
    }

    #[test]
    fn what_is_cut_off_is_no_row() {
        for row in rows() {
            let mut out = Vec::new();
            row.encode(&mut out);
            for length in 0..out.len() {
                assert_eq!(Row::decode(&mut &out[..length]), Err(NoRow), "{row:?}: {length}");
            }
        }
    }

    proptest! {
        #[test]
        fn anything_at_all_is_a_row_or_none(mut bytes: Vec<u8>, at: prop::sample::Index) {
            let whole = encoded();
            let at = at.index(whole.len());
            bytes.splice(0..0, whole[at..].iter().copied());
            let mut from = &bytes[..];
            while !from.is_empty() && Row::decode(&mut from).is_ok() {}
        }
    }
}
