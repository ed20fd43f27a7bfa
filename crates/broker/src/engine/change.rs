//! What has to become durable: the rows that make the engine again after a restart.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use domain::broker::{DeadLetter, FailedAttempt};
use serde::{Deserialize, Serialize};

/// A message as it is kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct MessageRow {
    /// On which topic.
    pub(crate) topic: u32,
    /// The one group that it is for, after a replay; every group of the topic otherwise.
    pub(crate) only: Option<u32>,
    pub(crate) key: Arc<str>,
    /// Everything else, in the format of the wire.
    pub(crate) body: Arc<[u8]>,
}

/// What failed with a message before, in one group.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Tries {
    /// How often it was given out.
    pub(crate) attempts: u32,
    /// Not before then, in µs of the node's timeline.
    pub(crate) not_before_us: u64,
    /// The last of them, oldest first.
    pub(crate) history: Vec<FailedAttempt>,
}

/// One row that is new, different or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Change {
    Topic {
        id: u32,
        name: String,
    },
    Group {
        id: u32,
        topic: u32,
        name: String,
    },
    Message {
        id: u64,
        row: MessageRow,
    },
    /// Every group has dealt with it.
    NoMessage {
        id: u64,
    },
    /// One group has dealt with it, others have not.
    Done {
        id: u64,
        group: u32,
    },
    NotDone {
        id: u64,
        group: u32,
    },
    Tried {
        id: u64,
        group: u32,
        tries: Tries,
    },
    NotTried {
        id: u64,
        group: u32,
    },
    Letter {
        number: u64,
        group: u32,
        letter: DeadLetter,
    },
    NoLetter {
        number: u64,
    },
}

/// All rows, as they are read when a file is opened.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Rows {
    pub(crate) topics: BTreeMap<u32, String>,
    /// The topic and the name of each.
    pub(crate) groups: BTreeMap<u32, (u32, String)>,
    pub(crate) done: BTreeSet<(u64, u32)>,
    pub(crate) tries: BTreeMap<(u64, u32), Tries>,
    /// How many letters each group has.
    pub(crate) letters: BTreeMap<u32, u64>,
    /// The highest number that a letter was ever given.
    pub(crate) last_letter: u64,
}
