//! Stores on redb, an embedded engine: a file per service and a log beside it, which one process owns.
//!
//! A [`RedbStore`] is everything that one service keeps, in one file: orders with their outbox, charges with their
//! tombstones, notices, and the records of idempotency keys. It stands behind all five ports.
//!
//! # Group commit
//! All changes go through one bounded queue to one writer, which takes whatever has queued, makes it one record of the
//! log, and answers when that is durable. Nothing waits for company: while one record is on its way the next one gathers,
//! so the batch is as large as the disk is slow. (A timer that gathers was measured to be slower, with or without load.)
//! On a real host a thread of its own writes and syncs, because that blocks; on a simulated one it is a task, and
//! syncing takes virtual time.
//!
//! # Written ahead
//! A process that keeps its orders and its charges in one file ([`RedbStore::with_both`]) does not wait for a change that
//! nobody hears of before a later one is durable: the log has them in order. Such changes go with the next that
//! somebody waits for. When the store fails in between, what follows must not stand without them: so a charge
//! needs its order there, and an order that is paid its charge.
//!
//! # From the log into the tables
//! A transaction of the engine writes pages all over its file; a record is one piece behind another. So a change is
//! durable when the log has it, and a *checkpoint* brings the changes of many batches into the tables in one transaction:
//! when a file of the log is 16 MiB long, when 65,536 things have changed, 5 s after the first change, and when the store is
//! closed. The writer goes on meanwhile, in the log's other file. What is in the log when a process dies is brought into
//! the tables when the file is opened again.
//!
//! # What is in memory
//! What is in the log only is in memory as well, so that whoever reads looks at three levels: at what was changed since
//! the last checkpoint, at what a checkpoint is at, and in the tables as they were before it. Orders that are in no final
//! state are kept in memory whole (as many as [`HOT_MAX`]), with their times and the totals by state, so that the common
//! reads touch no table. All that is rebuilt when the file is opened. Readers see what is durable, and nothing else:
//! memory changes after the sync, all of a batch at once, and a level gives way to the one below in the same moment.
//!
//! Keys in flight are in memory only. A lease says that a process is at it, the file has one owner, and when that dies
//! its leases are void; so beginning costs no write, and after a crash a repetition does not wait for a lease. What
//! the dead process may have done is told by its orders and charges, which both services ask before they act.
//!
//! # Failure
//! A sync that fails leaves it unknown whether the batch is durable ([`Effect::Unknown`](domain::Effect::Unknown)). We
//! trust neither file then: they are closed and opened again, which recovers what is durable, at most every
//! [`REOPEN_EVERY`]. Until that works, calls are refused without effect, and `check` says why. A checkpoint that fails is
//! no different: what it was at is in the log still.
//!
//! # Format
//! Orders, charges and notices are JSON, the rest are redb's own tuples; the log has its own format. The file says which
//! schema it has; an older one is taken over, a newer one is refused. What is damaged is noticed when the files are opened:
//! every checksum in them is verified, and a log that lacks something before its end, or that belongs to another file, is
//! an error.

mod batch;
mod charges;
mod checkpoint;
mod engine;
mod fault;
mod job;
mod log;
mod notices;
mod orders;
mod outbox;
mod overlay;
mod queue;
mod records;
mod row;
mod snapshot;
mod store;
mod tables;
mod view;
mod writer;

pub use node::redb::OpenError;
pub use store::RedbStore;
pub use view::HOT_MAX;
pub use writer::REOPEN_EVERY;

#[cfg(test)]
mod crash;
#[cfg(test)]
mod tests;
