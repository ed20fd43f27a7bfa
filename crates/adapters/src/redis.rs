//! Redis: what replicas of a service share and can do without for a moment: idempotency keys and a rate.
//!
//! Each operation is one script, which Redis runs alone: nothing is watched, and nothing happens between reading and
//! writing. A service's keys begin with its own prefix, so that services may share a server and still nobody reads
//! another's store.
//!
//! **What survives what.** Redis answers before its log is synchronised (`appendfsync everysec`), so a crash of the
//! *server's machine* forgets up to two seconds of records, and the duplicates of those calls run again: what they do has
//! to be such that twice is as good as once, or to have a key of its own where it is durable (a charge has). A
//! crash of the server's process alone forgets what its log had not written (nothing with `always`). Orders and charges are not
//! kept here. A Redis that evicts keys under pressure (`maxmemory-policy` other than `noeviction`) forgets more.
//!
//! **When it is not there**, a call fails within [`RedisSettings::timeout`], without a queue, and the next one tries
//! again. Whoever gets a key of a record must have it, so idempotency refuses (503) while a rate goes on with a
//! bucket of each process's own (`resilience::admission::shared_rate`).

mod buckets;
mod connection;
mod records;
mod url;

pub use buckets::RedisBuckets;
pub use connection::{Redis, RedisSettings};
pub use records::RedisRecords;
pub use url::{InvalidUrl, RedisUrl};

pub use crate::prefix::InvalidPrefix;
