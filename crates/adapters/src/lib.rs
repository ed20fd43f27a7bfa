//! Stores and brokers behind the ports of `domain` and `resilience`: one module and one feature each.
//!
//! | feature | what it is |
//! |---|---|
//! | `redb` | the default: an embedded engine, a file per service |
//! | `postgres` | PostgreSQL, for services that share a database server |
//! | `redis` | idempotency keys and a rate limit that replicas share |
//! | `nats` | NATS JetStream: a broker for several machines |
//! | `kafka` | Apache Kafka; not by default, as librdkafka is built from C |
//!
//! An adapter proves itself with the contract suites of its ports.

#[cfg(feature = "kafka")]
pub mod kafka;
#[cfg(feature = "nats")]
pub mod nats;
#[cfg(feature = "postgres")]
pub mod postgres;
#[cfg(any(feature = "redis", feature = "nats", feature = "kafka"))]
mod prefix;
#[cfg(any(feature = "postgres", feature = "nats", feature = "kafka"))]
mod presence;
#[cfg(feature = "redb")]
pub mod redb;
#[cfg(feature = "redis")]
pub mod redis;
#[cfg(any(feature = "postgres", feature = "redis", feature = "nats", feature = "kafka"))]
mod url;
#[cfg(any(feature = "nats", feature = "kafka"))]
mod wire;

#[cfg(any(feature = "postgres", feature = "redis", feature = "nats", feature = "kafka"))]
pub use url::ServerUrl;
