//! The adapters of servers against real servers: those that `scripts/dev-services` starts.

#[cfg(feature = "nats")]
mod nats;
#[cfg(feature = "postgres")]
mod postgres;
#[cfg(feature = "redis")]
mod redis;
mod services;
