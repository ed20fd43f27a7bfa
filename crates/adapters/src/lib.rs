//! Stores behind the ports of `domain` and `resilience`: one module and one feature each.
//!
//! | feature | what it is |
//! |---|---|
//! | `redb` | the default: an embedded engine, a file per service |
//! | `postgres` | PostgreSQL, for services that share a database server |
//! | `redis` | idempotency keys and a rate limit that replicas share |
//!
//! An adapter proves itself with the contract suites of its ports.

#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(feature = "redb")]
pub mod redb;

#[cfg(feature = "redis")]
pub mod redis;
