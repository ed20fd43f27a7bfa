//! The log beside the engine's file: what is durable and not in the tables yet, a record per batch, one after the other.
//!
//! A tree costs a commit many pages, wherever they are; a log costs it one piece, behind the one before. So a batch is
//! durable when its record is, and the tables are brought up to date for many batches at once (a *checkpoint*).
//!
//! # Two files
//! Records go into one file while a checkpoint brings those of the other into the tables. When that is durable, the
//! other is free, and is written from its beginning again, over what stands there: a file that does not grow is synced
//! without the file system's own journal. So records of earlier laps stand behind the last one. They are told apart by
//! their numbers, which only rise: what a checkpoint has brought into the tables is not news.
//!
//! # A record
//! It begins at a sector, so that writing it touches nothing of the one before:
//!
//! ```text
//!  0  checksum of all that follows (XXH3, 64 bits)
//!  8  magic, with the version of this format
//! 16  the store's number: the log of another store is never taken for this one's
//! 24  the record's number, one more than the one before
//! 32  length of its content (32 bits), then the content, then zeros up to the next sector
//! ```
//!
//! # When it is opened
//! Records that the tables do not have are read in the order of their numbers, up to the first that is not whole. That
//! is the end of the log: the power failed while it was written, and nobody was told that it is durable. A whole record
//! *behind* that end is a different matter. Something that was durable is missing before it: damage, which is an error.
//! What was read is brought into the tables at once, so that a log always begins empty.

mod file;
mod hand;
mod record;

use std::io;

use node::Node;
use redb::DatabaseError;
use thiserror::Error;

use self::file::LogFile;
use self::hand::Hand;
use self::record::{Found, seal};

pub(super) use self::record::HEADER_BYTES;

/// Why there is no log.
#[derive(Debug, Error)]
pub(super) enum LogError {
    /// The system says no.
    #[error("its log cannot be read: {0}")]
    Io(#[from] io::Error),
    /// It cannot be wrapped as the engine's files are.
    #[error(transparent)]
    Engine(#[from] DatabaseError),
    /// Something was durable and is not there.
    #[error("change {missing} is missing in its log, and change {behind} is there")]
    Gap {
        /// What is not whole.
        missing: u64,
        /// A later one that is.
        behind: u64,
    },
    /// It lies beside a file that it does not belong to.
    #[error("the log beside it is another store's: a file and its logs belong together")]
    Another,
}

/// What the tables do not have.
#[derive(Debug)]
pub(super) struct Recovered {
    /// The contents of its records, the oldest first.
    pub(super) contents: Vec<Vec<u8>>,
    /// The number of the last of them; or what the tables had, without any.
    pub(super) last: u64,
}

/// The log of one store, open for writing.
#[derive(Debug)]
pub(super) struct Log {
    hand: Hand,
    /// The file that is written to.
    current: usize,
    /// Where the next record begins.
    at: u64,
    /// The number of the last record.
    last: u64,
    /// The number of the store.
    store: u64,
}

impl Log {
    /// The names of the files that lie beside a file.
    pub(super) fn names(file: &str) -> [String; 2] {
        [format!("{file}.log-0"), format!("{file}.log-1")]
    }

    /// Opens both files, made when they are missing, and reads what the tables do not have: what follows on record
    /// `after`. Whoever opens it brings that into the tables, with [`Log::last`] as the new `after`, before anything
    /// is appended.
    pub(super) fn open(
        node: &Node,
        file: &str,
        store: u64,
        after: u64,
    ) -> Result<(Self, Recovered), LogError> {
        let [first, second] = Self::names(file);
        let disk = node.disk();
        let files = [LogFile::open(&disk, &first)?, LogFile::open(&disk, &second)?];
        let contents = [files[0].all()?, files[1].all()?];
        let lengths = contents.each_ref().map(|bytes| bytes.len() as u64);
        let recovered = recover(contents, store, after)?;
        // The number after the last was perhaps given to what is not whole: it is not given again, so that nothing of it
        // can ever be taken for something new.
        let last = recovered.last + 1;
        let hand = Hand::take(node, file, files, lengths)?;
        Ok((Self { hand, current: 0, at: 0, last, store }, recovered))
    }

    /// The number of the last record.
    pub(super) const fn last(&self) -> u64 {
        self.last
    }

    /// How long the file that is written to is by now.
    pub(super) const fn bytes(&self) -> u64 {
        self.at
    }

    /// Appends a record, for whose header the first [`HEADER_BYTES`] are kept free, and returns when it is durable. After
    /// an error nobody knows what is on the disk, and the log is not to be used any more; nor when this was not waited
    /// for.
    pub(super) async fn append(&mut self, record: &mut Vec<u8>) -> io::Result<()> {
        seal(record, self.store, self.last + 1);
        let end = self.at + record.len() as u64;
        self.hand.write(self.current, self.at, record).await?;
        self.last += 1;
        self.at = end;
        Ok(())
    }

    /// Goes on in the other file, from its beginning: everything in it is in the tables.
    pub(super) fn turn(&mut self) {
        self.current = 1 - self.current;
        self.at = 0;
    }
}

fn recover(files: [Vec<u8>; 2], store: u64, after: u64) -> Result<Recovered, LogError> {
    let [a, b] = files.each_ref().map(|bytes| record::find_all(bytes));
    let mut found: Vec<Found<'_>> = a.into_iter().chain(b).filter(|record| record.number > after).collect();
    if found.iter().any(|record| record.store != store) {
        return Err(LogError::Another);
    }
    found.sort_by_key(|record| record.number);
    let mut recovered = Recovered { contents: Vec::with_capacity(found.len()), last: after };
    for record in found {
        if record.number != recovered.last + 1 {
            return Err(LogError::Gap { missing: recovered.last + 1, behind: record.number });
        }
        recovered.last = record.number;
        recovered.contents.push(record.content.to_vec());
    }
    Ok(recovered)
}
