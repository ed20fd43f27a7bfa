//! The file that the broker keeps everything in: rows that make the engine again.
//!
//! | table | a row | written when |
//! |---|---|---|
//! | messages | a message | it is published; removed when every group has dealt with it |
//! | done | a message and a group | a group has dealt with it and another one has not |
//! | tries | what failed | an attempt failed |
//! | letters | a dead letter | in the transaction that takes the message from its group |
//!
//! So an acknowledgement of the last (or only) group costs one removal, and a message that nothing failed with has no
//! row but its own.

mod letters;
mod tables;

use domain::Effect;
use node::Disk;
use node::redb::{OpenError, Synced};
use redb::{Database, ReadableDatabase, ReadableTable, WriteTransaction};

pub(crate) use self::letters::PAGE_MAX;
use self::tables::{
    DONE, EPOCH_KEY, Found, GROUPS, LAST_LETTER_KEY, LETTERS, MESSAGES, META, SCHEMA, TOPICS, TRIES, prepare,
};
use crate::engine::{Change, Engine, Limits, MessageRow, Rows};
use crate::wire::encode;

/// The open file, in the hands of its owner.
#[derive(Debug)]
pub(crate) struct Store {
    disk: Disk,
    file: String,
    pub(crate) place: String,
    open: Option<(Database, Synced)>,
}

/// A commit that failed.
#[derive(Debug)]
pub(crate) struct Failed {
    pub(crate) detail: String,
    pub(crate) effect: Effect,
}

impl Failed {
    fn before(error: impl Into<redb::Error>) -> Self {
        Self { detail: error.into().to_string(), effect: Effect::None }
    }

    fn within(error: impl Into<redb::Error>) -> Self {
        Self { detail: error.into().to_string(), effect: Effect::Unknown }
    }
}

impl Store {
    pub(crate) fn new(disk: Disk, file: &str) -> Self {
        let place = disk.place(file);
        Self { disk, file: file.to_owned(), place, open: None }
    }

    /// Opens the file (again), begins an epoch in it, and makes an engine of what is durable. Verifies all of it.
    pub(crate) async fn open(&mut self, limits: Limits, now_us: u64) -> Result<Engine, OpenError> {
        self.close();
        let io = |source| OpenError::Io { place: self.place.clone(), source };
        let file = self.disk.open(&self.file).map_err(io)?;
        let (database, synced) =
            node::redb::open(file).map_err(|error| OpenError::database(&self.place, error))?;
        match prepare(&database).map_err(|error| OpenError::engine(&self.place, error))? {
            Found::Ours => {}
            Found::Newer(found) => {
                return Err(OpenError::Newer { place: self.place.clone(), found, known: SCHEMA });
            }
            Found::Foreign => return Err(OpenError::Foreign { place: self.place.clone() }),
        }
        let epoch = begin_epoch(&database).map_err(|error| OpenError::engine(&self.place, error))?;
        synced.wait().await;
        let engine = self.restored(&database, epoch, limits, now_us)?;
        self.open = Some((database, synced));
        Ok(engine)
    }

    pub(crate) fn close(&mut self) {
        self.open = None;
    }

    /// One transaction. It is durable when [`Store::synced`] has returned after it.
    pub(crate) fn commit(&self, changes: &[Change]) -> Result<(), Failed> {
        let transaction = self.database().begin_write().map_err(Failed::before)?;
        write(&transaction, changes).map_err(Failed::before)?;
        transaction.commit().map_err(Failed::within)
    }

    pub(crate) async fn synced(&self) {
        if let Some((_, synced)) = &self.open {
            synced.wait().await;
        }
    }

    /// The bodies of messages, in the order in which they are asked for.
    pub(crate) fn bodies(&self, ids: &[u64]) -> Result<Vec<Vec<u8>>, redb::Error> {
        let messages = self.database().begin_read()?.open_table(MESSAGES)?;
        let mut bodies = Vec::with_capacity(ids.len());
        for id in ids {
            let row = messages.get(id)?;
            let row = row.ok_or_else(|| redb::Error::Corrupted(format!("there is no message {id}")))?;
            bodies.push(row.value().3.to_vec());
        }
        Ok(bodies)
    }

    fn database(&self) -> &Database {
        self.open.as_ref().map(|(database, _)| database).expect("without trouble the file is open")
    }

    fn restored(
        &self,
        database: &Database,
        epoch: u32,
        limits: Limits,
        now_us: u64,
    ) -> Result<Engine, OpenError> {
        let damaged = |detail: String| OpenError::Damaged { place: self.place.clone(), detail };
        let rows = read_rows(database).map_err(|error| damaged(error.to_string()))?;
        let unreadable = |error: redb::Error| damaged(error.to_string());
        let messages = database.begin_read().map_err(|error| unreadable(error.into()))?;
        let messages = messages.open_table(MESSAGES).map_err(|error| unreadable(error.into()))?;
        let messages = messages.iter().map_err(|error| unreadable(error.into()))?.map(|row| {
            let (id, row) = row.map_err(|error| unreadable(error.into()))?;
            let (topic, only, key, body) = row.value();
            Ok((id.value(), MessageRow { topic, only, key: key.into(), body: body.into() }))
        });
        Engine::restored(limits, epoch, rows, messages, now_us)
    }
}

fn begin_epoch(database: &Database) -> Result<u32, redb::Error> {
    let transaction = database.begin_write()?;
    let epoch = {
        let mut meta = transaction.open_table(META)?;
        let before = meta.get(EPOCH_KEY)?.map_or(0, |value| value.value());
        meta.insert(EPOCH_KEY, before + 1)?;
        u32::try_from(before + 1).map_err(|_| redb::Error::Corrupted(format!("epoch {before}")))?
    };
    transaction.commit()?;
    Ok(epoch)
}

/// Writes rows. A table that nothing changes in is not opened: opening costs more than a row.
fn write(transaction: &WriteTransaction, changes: &[Change]) -> Result<(), redb::Error> {
    let (mut has_messages, mut has_done, mut has_tries, mut is_rare) = (false, false, false, false);
    for change in changes {
        match change {
            Change::Message { .. } | Change::NoMessage { .. } => has_messages = true,
            Change::Done { .. } | Change::NotDone { .. } => has_done = true,
            Change::Tried { .. } | Change::NotTried { .. } => has_tries = true,
            _ => is_rare = true,
        }
    }
    if has_messages {
        let mut messages = transaction.open_table(MESSAGES)?;
        for change in changes {
            match change {
                Change::Message { id, row } => {
                    drop(messages.insert(id, (row.topic, row.only, &*row.key, &*row.body))?);
                }
                Change::NoMessage { id } => drop(messages.remove(id)?),
                _ => {}
            }
        }
    }
    if has_done {
        let mut done = transaction.open_table(DONE)?;
        for change in changes {
            match change {
                Change::Done { id, group } => drop(done.insert((*id, *group), ())?),
                Change::NotDone { id, group } => drop(done.remove((*id, *group))?),
                _ => {}
            }
        }
    }
    if has_tries {
        let mut tried = transaction.open_table(TRIES)?;
        for change in changes {
            match change {
                Change::Tried { id, group, tries } => {
                    drop(tried.insert((*id, *group), encode(tries).as_slice())?);
                }
                Change::NotTried { id, group } => drop(tried.remove((*id, *group))?),
                _ => {}
            }
        }
    }
    if is_rare { write_rare(transaction, changes) } else { Ok(()) }
}

/// Topics, groups and letters.
fn write_rare(transaction: &WriteTransaction, changes: &[Change]) -> Result<(), redb::Error> {
    let mut topics = transaction.open_table(TOPICS)?;
    let mut groups = transaction.open_table(GROUPS)?;
    let mut letters = transaction.open_table(LETTERS)?;
    let mut meta = transaction.open_table(META)?;
    for change in changes {
        match change {
            Change::Topic { id, name } => drop(topics.insert(id, name.as_str())?),
            Change::Group { id, topic, name } => drop(groups.insert(id, (*topic, name.as_str()))?),
            Change::Letter { number, group, letter } => {
                drop(letters.insert(number, (*group, encode(letter).as_slice()))?);
                meta.insert(LAST_LETTER_KEY, number)?;
            }
            Change::NoLetter { number } => drop(letters.remove(number)?),
            _ => {}
        }
    }
    Ok(())
}

fn read_rows(database: &Database) -> Result<Rows, redb::Error> {
    let reading = database.begin_read()?;
    let mut rows = Rows::default();
    for row in reading.open_table(TOPICS)?.iter()? {
        let (id, name) = row?;
        rows.topics.insert(id.value(), name.value().to_owned());
    }
    for row in reading.open_table(GROUPS)?.iter()? {
        let (id, group) = row?;
        let (topic, name) = group.value();
        rows.groups.insert(id.value(), (topic, name.to_owned()));
    }
    for row in reading.open_table(DONE)?.iter()? {
        rows.done.insert(row?.0.value());
    }
    for row in reading.open_table(TRIES)?.iter()? {
        let (key, tries) = row?;
        let unreadable = |error| redb::Error::Corrupted(format!("tries of {:?}: {error}", key.value()));
        rows.tries.insert(key.value(), postcard::from_bytes(tries.value()).map_err(unreadable)?);
    }
    for row in reading.open_table(LETTERS)?.iter()? {
        *rows.letters.entry(row?.1.value().0).or_default() += 1;
    }
    let last = reading.open_table(META)?.get(LAST_LETTER_KEY)?;
    rows.last_letter = last.map_or(0, |value| value.value());
    Ok(rows)
}
