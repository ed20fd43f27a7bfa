//! Apache Kafka: for services whose operators run a cluster, and for topics that others read as well.
//!
//! | here | there |
//! |---|---|
//! | a topic | `<prefix>.<topic>`, of [`KafkaSettings::partitions`] partitions; a key always goes to the same one |
//! | a group | the consumer group `<prefix>.<topic>.<group>`, with offsets committed by hand |
//! | a lease | kept by the consumer that has the partition; nobody else can have its messages meanwhile |
//! | retry after | a record in the group's own topic `<prefix>.<topic>.<group>.retry`, with its attempts and when it is due |
//! | dead letters | the compacted topic `<prefix>.<topic>.dead`, of one partition; one that is removed is a tombstone |
//!
//! **Why a topic of retries** and not a pause of the partition, or a message kept in hand: a group's offset says only
//! "everything before". A message that waits in hand would hold it back, and everything behind it would come again after
//! a crash; a paused partition would hold back all the keys in it. In a topic of its own a retry is durable with its
//! attempts and their reasons, and the offset goes on. What it costs: the order of its key, a record more, and that a
//! retry may be there twice when nobody knows whether it was written.
//!
//! **Gaps.** Messages are dealt with in any order; the offset that is committed is that of the first that is not
//! (`offsets`). What was acknowledged beyond it comes again when the consumer dies.
//!
//! **Rebalances.** When a partition is to be given away, nothing more of it is handed out, and what is in somebody's hands
//! may be settled, for [`KafkaSettings::handover_max`] at most; what is said later is of no effect, and is counted.
//!
//! **What survives what.** The producer is idempotent and waits for all replicas in sync (`acks=all`). Kafka does not sync
//! to disk before it answers: with one server an acknowledged message survives the death of its process, with several the
//! loss of all but one of those in sync. It does not know an event id again: consumers do.
//!
//! **Threads.** librdkafka has some of its own. What of it blocks runs on threads that may; each consumer is asked for
//! messages by a thread of its own, which also keeps it in its group while nobody fetches.
//!
//! # When it is not there
//!
//! Opening neither fails nor waits. A keeper looks for the cluster, and calls are refused at once while it is known to be
//! away. A message that was not acknowledged within [`KafkaSettings::answer_timeout`] is *unknown*.
//!
//! Not kept: failed attempts of which nobody said why, and the number of those, when the consumer dies.

mod broker;
mod client;
mod consumer;
mod dead;
mod error;
mod hand;
mod layout;
mod offsets;
mod polling;
mod record;
mod url;

pub use client::{Kafka, KafkaSettings};
pub use url::{InvalidUrl, KafkaUrl};

pub use crate::prefix::InvalidPrefix;
