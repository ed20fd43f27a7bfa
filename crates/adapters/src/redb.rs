//! Stores on redb, an embedded engine: a file per service, which one process owns.
//!
//! A [`RedbStore`] is everything that one service keeps, in one file: orders with their outbox, charges with their
//! tombstones, notices, and the records of idempotency keys. It stands behind all five ports.
//!
//! # Group commit
//! All changes go through one bounded queue to one writer, which takes whatever has queued, makes it one transaction,
//! and answers when that is durable. Nothing waits for company: while one commit is under way the next one gathers, so
//! the batch is as large as the disk is slow. (A timer that gathers was measured to be slower, with or without load.)
//! On a real host the writer has a thread of its own, because committing blocks; on a simulated one it is a task, and
//! syncing takes virtual time.
//!
//! # What is in memory
//! Orders that are in no final state are kept in memory too (as many as [`HOT_MAX`]), with their times and the totals
//! by state, so that the common reads touch no table. All that is rebuilt when the file is opened. Readers see what is
//! durable, and nothing else: memory and the snapshot they read from change together, after the sync.
//!
//! Keys in flight are in memory only. A lease says that a process is at it, the file has one owner, and when that dies
//! its leases are void; so beginning costs no write, and after a crash a repetition does not wait for a lease. What
//! the dead process may have done is told by its orders and charges, which both services ask before they act.
//!
//! # Failure
//! A commit that fails leaves it unknown whether it took place ([`Effect::Unknown`](domain::Effect::Unknown)). The
//! engine trusts its file no more then, and neither do we: it is closed and opened again, which recovers what is
//! durable, at most every [`REOPEN_EVERY`]. Until that works, calls are refused without effect, and `check` says why.
//!
//! # Format
//! Orders, charges and notices are JSON, the rest are redb's own tuples. The file says which schema it has; a newer one is
//! refused. What is damaged is noticed when the file is opened: every checksum in it is verified.

mod batch;
mod charges;
mod fault;
mod job;
mod notices;
mod opening;
mod orders;
mod outbox;
mod records;
mod store;
mod tables;
mod view;
mod writer;

pub use opening::OpenError;
pub use store::RedbStore;
pub use view::HOT_MAX;
pub use writer::REOPEN_EVERY;

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests;
