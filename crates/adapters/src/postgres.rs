//! PostgreSQL: for services whose operators run a database server already, and for replicas that share one.
//!
//! Each service has a *schema* of its own in the database ([`Schema`]), so that nobody reads another's store
//! there either; the schema and its tables are made by migrations that are part of this program.
//!
//! # How it writes
//!
//! Calls that write do not write themselves: they queue in a *lane* (`lane`), whose writers take whatever has queued
//! and make one statement of it (`INSERT … SELECT … FROM UNNEST`), which is its own transaction: one synchronisation
//! of the disk for all of them. There is no timer: under light load a batch is a single call. Each call still
//! gets the answer that is its own, because a statement returns which rows it has changed, and two calls
//! about the same thing are never in one statement.
//!
//! # When it is not there
//!
//! ```text
//! unknown ──reached, and migrated──▶ up ──a connection broke──▶ unknown
//!    └────────not reached─────────▶ down ──reached, by and by──▶ up
//! ```
//!
//! A keeper (`database`) tries to reach it, with pauses that grow to `database::PAUSE_MAX`, and nobody else does
//! while it is down: calls are refused at once then, with the reason. While nobody knows, they wait for the keeper's
//! verdict, for a connection's time limit at most. So a service can be started before its database, and outlives its
//! restart.
//!
//! A call that fails says whether it may have had an effect: refused before it was sent, or undone by the
//! server: none. The connection broke or was silent after it was sent: unknown.
//!
//! Bounds: `lane::QUEUE_MAX` calls wait in each lane and more are refused; a statement has a time limit, on the
//! server and here; connections are counted ([`PostgresSettings`]).

mod charges;
mod database;
mod error;
mod lane;
mod notices;
mod orders;
mod records;
mod schema;
mod url;

pub use charges::PostgresCharges;
pub use database::{Postgres, PostgresSettings};
pub use notices::PostgresNotices;
pub use orders::PostgresOrders;
pub use records::PostgresRecords;
pub use schema::{InvalidSchema, Schema};
pub use url::{InvalidUrl, PostgresUrl};
