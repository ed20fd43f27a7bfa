//! NATS JetStream: for services on several machines, and for as many consumers as there is work for.
//!
//! | here | there |
//! |---|---|
//! | a topic | a stream, `<prefix>_<topic>`, of the one subject `<prefix>.<topic>` |
//! | a group | a durable pull consumer of that stream, with explicit acknowledgement |
//! | a lease | the `ack_wait` of the group, a little longer ([`NatsSettings::lease_grace`]); the last one who subscribes sets it |
//! | retry after | a negative acknowledgement with a delay |
//! | dead letters | the stream `<prefix>_DEAD`, written by us and then acknowledged there, as JetStream has none |
//! | failed attempts | the stream `<prefix>_HISTORY`, a subject per message, forgotten after a week |
//!
//! **What is kept how long.** A topic keeps a message until each of its groups has dealt with it (*interest*
//! retention), and refuses new ones when it is full ([`NatsSettings::topic_bytes_max`]): a backlog is refused, never
//! dropped. So do the dead letters.
//!
//! **What survives what.** The server answers before its files are synced: what it acknowledged survives the death of
//! its process, not the loss of power. It drops a message whose event id it has had within
//! [`NatsSettings::deduplicate_for`]; when it dies, it forgets the ids of those that were dealt with.
//!
//! **Order**: as published, until one is repeated; the others do not wait for it.
//!
//! **Leases are kept on both sides.** JetStream takes an acknowledgement from whoever held a message at any time, also
//! when another one has it by then. So a consumer says nothing of a message whose lease is over by its own clock, which
//! is before the server's.
//!
//! # When it is not there
//!
//! Opening neither fails nor waits. Calls are refused at once while it is known to be away, with the reason and without
//! effect; while nobody knows yet they wait, for [`NatsSettings::connect_timeout`] at most. A connection that breaks
//! ends what is under way as *unknown*, at once and not after a timeout, and is made again with pauses of up to
//! `connection::PAUSE_MAX`.
//!
//! Not kept: failed attempts of which nobody said why (a lease that ran out), and the number of attempts where the
//! server died before it had written it down.

mod broker;
mod connection;
mod consumer;
mod dead;
mod error;
mod held;
mod layout;
mod message;
mod pull;
mod url;

pub use connection::{Nats, NatsSettings};
pub use url::{InvalidUrl, NatsUrl};

pub use crate::prefix::InvalidPrefix;
