//! The adapters of servers against real servers: those that `scripts/dev-services` starts.

#[cfg(feature = "kafka")]
mod kafka;
#[cfg(any(feature = "nats", feature = "kafka"))]
mod killed;
#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod services;
