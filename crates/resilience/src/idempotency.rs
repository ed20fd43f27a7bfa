//! Idempotency keys: however often a call comes, it runs once, and everybody hears the same answer.
//!
//! A caller that heard nothing cannot know whether its call took effect; if it repeats it, it may take
//! effect twice. With a key on it, the repetition is recognised. The semantics are those of the IETF draft
//! *The Idempotency-Key HTTP Header Field* (and of Stripe's API), in neutral terms:
//!
//! | the key | what happens | HTTP |
//! |---|---|---|
//! | is missing where required, or is none | [`MissingKey`](IdempotencyError::MissingKey), [`InvalidKey`](IdempotencyError::InvalidKey) | 400 |
//! | is new, or its time is over | the call runs | |
//! | runs | [`Mode::Reject`]: [`InProgress`](IdempotencyError::InProgress). [`Mode::Join`]: it waits for the same result | 409 |
//! | is done | the stored answer is replayed, a final error too | as stored |
//! | stands for something else | [`Mismatch`](IdempotencyError::Mismatch) | 422 |
//!
//! Keys belong to a scope (a tenant). What a request's key and fingerprint are, and which results are
//! kept, is said by a [`Scheme`]; where records are kept, by an adapter of [`IdempotencyRecords`], and what
//! that has to do by its [`contract`] suite. [`KeyState`](policy::KeyState) is another pure rule, for
//! whoever executes under keys: look-up, void and refund.
//!
//! # A result is kept, shared or forgotten
//!
//! See [`Keep`]. What is final is stored. A failure that may pass is not, and frees the key; those who wait
//! share it, because it is the result of their call as well, and running again for each of them would be
//! a retry storm in a row.
//!
//! # Cancel safety, crashes, failing records
//!
//! A response future may be dropped at any moment, and an inner future may panic; no key gets stuck.
//!
//! * Nothing happens before the first poll. A duplicate that is dropped just leaves.
//! * **Dropped while it runs**: with [`OnDrop::Release`], the first of those who wait takes over (under the
//!   same claim and a new lease), and without any, the next call with the key in this process runs at once.
//!   Other processes wait for the lease, or for [`IdempotencyHandle::settle`]. With [`OnDrop::Hold`]
//!   the outcome counts as unknown: everybody is refused until the lease is over.
//! * **Dropped while its answer is being stored** (or the records fail there): those who wait get the
//!   answer; it is remembered, and stored by the next call with the key or by `settle`.
//! * **A crash** leaves a record in flight, which is refused until its lease is over. Then the call runs
//!   again: the effects inside need a key of their own, or have to be such that twice is as good as once.
//! * **A lease that is too short**: the late call's answer is not stored ([`Event::Lost`]), for another may
//!   have the key. Its own caller is answered all the same.
//! * **The records fail before it runs**: it does not run ([`Records`](IdempotencyError::Records)).
//!
//! So: *once*, as long as no lease runs out, no process crashes between the effect and the record, and no
//! record is forgotten before its expiry. For the rest the effect's owner needs the key too.
//!
//! A duplicate joins calls of its own process only. If the call runs in another one, it is refused also in
//! [`Mode::Join`]: polling a store for somebody else's end would be a wait without a bound of ours.
//!
//! Bounds: [`waiting_max`](IdempotencySettings::waiting_max) duplicates wait,
//! [`leftovers_max`](IdempotencySettings::leftovers_max) dropped calls are remembered,
//! [`MemoryRecords`] holds a number of records; calls in flight are bounded by admission outside.
//!
//! ```
//! use std::{num::NonZeroUsize, sync::Arc};
//! use resilience::idempotency::{
//!     Answer, Fingerprint, IdempotencyLayer, IdempotencySettings, Identity, InvalidKey, Keep, Key,
//!     MemoryRecords, Scheme, Unreadable,
//! };
//! use tower::{Layer, ServiceExt, service_fn};
//!
//! /// Requests are a key and a number; answers are numbers.
//! struct Numbers;
//! impl Scheme<(&'static str, u32)> for Numbers {
//!     type Response = u32;
//!     type Error = std::io::Error;
//!     fn identify(&self, (key, n): &(&'static str, u32)) -> Result<Option<Identity>, InvalidKey> {
//!         let fingerprint = Fingerprint::of(&[&n.to_be_bytes()]);
//!         Ok(Some(Identity { key: Key::new("a tenant", key)?, fingerprint }))
//!     }
//!     fn keep(&self, result: &Result<u32, std::io::Error>) -> Keep {
//!         result.as_ref().map_or(Keep::Forget, |n| Keep::Store(n.to_be_bytes().to_vec().into()))
//!     }
//!     fn replay(&self, answer: &Answer) -> Result<Result<u32, std::io::Error>, Unreadable> {
//!         let bytes = (*answer.0).try_into().map_err(|_| Unreadable)?;
//!         Ok(Ok(u32::from_be_bytes(bytes)))
//!     }
//! }
//!
//! # tokio::runtime::Builder::new_current_thread().build().unwrap().block_on(async {
//! let records = Arc::new(MemoryRecords::new(NonZeroUsize::new(10_000).unwrap()));
//! let layer = IdempotencyLayer::new(Numbers, records, IdempotencySettings::default());
//! let runs = std::sync::atomic::AtomicU32::new(0);
//! let runs = &*Box::leak(Box::new(runs));
//! let service = layer.layer(service_fn(move |(_, n): (&'static str, u32)| async move {
//!     runs.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
//!     Ok(n + 1)
//! }));
//! assert_eq!(service.clone().oneshot(("k", 41)).await.unwrap(), 42);
//! assert_eq!(service.clone().oneshot(("k", 41)).await.unwrap(), 42);
//! assert_eq!(runs.load(std::sync::atomic::Ordering::Relaxed), 1, "the second is a replay");
//! assert!(service.oneshot(("k", 7)).await.is_err(), "the key stands for something else");
//! # });
//! ```

pub mod contract;
pub mod policy;

mod error;
mod future;
mod handle;
mod key;
mod layer;
mod memory;
mod observer;
mod records;
mod scheme;
mod service;
mod settings;
mod shared;

pub use error::IdempotencyError;
pub use future::IdempotencyFuture;
pub use handle::IdempotencyHandle;
pub use key::{Fingerprint, InvalidKey, KEY_BYTES_MAX, Key};
pub use layer::{IdempotencyLayer, Process};
pub use memory::MemoryRecords;
pub use observer::{Event, IdempotencyObserver};
pub use records::{Answer, Ask, Beginning, Claim, Completion, IdempotencyRecords, RecordsError};
pub use scheme::{Identity, Keep, Scheme, Unreadable};
pub use service::Idempotency;
pub use settings::{IdempotencySettings, KeyRule, Mode, OnDrop};
